"""Advice after a loss became non-finite. Needs no torch."""

from engine.config import RunConfig, format_value
from engine.label_limits import YOUNGEST_FOR_MAPE, image_loss

_HEADS_ABOVE_ZERO = "sigmoid"


def divergence_advice(config: RunConfig, *, stage: int, from_first_step: bool, is_bf16: bool, youngest: float) -> str:
    """Advice for a run whose loss became non-finite.

    Parameters
    ----------
    config
        The run.
    stage
        The stage of the run, from 1.
    from_first_step
        Whether the loss was non-finite before any weight changed.
    is_bf16
        Whether the backbone computes in bf16.
    youngest
        The youngest train label in years.
    """
    loss = image_loss(config)
    if loss == "poisson" and not config.head.endswith(_HEADS_ABOVE_ZERO):
        return (
            f"loss poisson takes the logarithm of the prediction, but head {config.head} can predict values below 0; "
            "choose a head that ends in sigmoid, or another --loss"
        )
    precision = "--set precision=fp32" if is_bf16 else ""
    if from_first_step:
        cure = (
            f"try {precision}, or choose another --init or --loss" if precision else "choose another --init or --loss"
        )
        return f"it was not finite in the first step, so a lower --lr does not help; {cure}"
    advice = f"try a lower --lr than {format_value(config.lr[stage - 1])}"
    if loss == "mape" and youngest < YOUNGEST_FOR_MAPE:
        return f"mape divides by labels of {youngest:g} years; choose another --loss, or {advice}"
    return f"{advice}, or {precision}" if precision else advice
