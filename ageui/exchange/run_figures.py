"""A run's curves and figures by name, as trackers of experiments store them."""

from collections.abc import Iterator
from typing import Any, Final

from ageui.compare.differing_settings import setting
from ageui.store import RunDetail, SplitScores

Points = list[tuple[int, float]]


_CURVES: Final = ("train_loss", "val_loss", "val_mae", "lr", "seconds", "images_per_second")


def curves(run: RunDetail, step_losses: Points) -> dict[str, Points]:
    """The curves of a run as points (step, value), without empty ones.

    Curves that begin with `epoch/` count epochs from 1; `step/loss`, given as `step_losses`, counts steps of the
    optimizer. `epoch/val_bias/gender` is a bias of the scored epochs.
    """
    found: dict[str, Points] = {"step/loss": step_losses} if step_losses else {}
    for epoch in run.history:
        values = {name: getattr(epoch, name) for name in _CURVES}
        biases = epoch.scores.bias if epoch.scores is not None else {}
        values |= {f"val_bias/{attribute}": bias for attribute, bias in biases.items()}
        for name, value in values.items():
            if value is not None:
                found.setdefault(f"epoch/{name}", []).append((epoch.epoch, value))
    return found


def figures(run: RunDetail) -> dict[str, float]:
    """The figures of all scored splits: `test/mae`, `test/mae_low`, `test/bias/gender`, `test/mae_of/gender/female`.

    All are in years except p-values and counts.
    """
    return {
        f"{scores.split}/{name}": float(value)
        for scores in run.results
        for name, value in _figures(scores)
        if value is not None
    }


def _figures(scores: SplitScores) -> Iterator[tuple[str, float | None]]:
    stored: dict[str, Any] = scores.to_json()
    yield "images", stored["n"]
    yield "mae", stored["mae"]
    yield from _ends("mae", stored["interval"]["mae"])
    yield "signed", stored["signed"]
    if stored["baseline"] is not None:
        yield "constant/mae", stored["baseline"]["mae"]
    for attribute, value in stored["bias"].items():
        yield f"bias/{attribute}", value
        yield from _ends(f"bias/{attribute}", stored["interval"][attribute])
        yield f"bias/{attribute}_p", stored["p"][attribute]
    for group in stored["groups"]:
        yield f"mae_of/{group['attribute']}/{group['group']}", group["mae"]


def _ends(name: str, interval: list[float] | None) -> Iterator[tuple[str, float]]:
    if interval is not None:
        yield f"{name}_low", interval[0]
        yield f"{name}_high", interval[1]


def settings(run: RunDetail) -> dict[str, str | bool | float]:
    """A run's config with values that every tracker takes: text, numbers and flags; lists as text."""
    return {
        name: value if isinstance(value, bool | int | float) else setting(run.config, name)
        for name, value in run.config.items()
    }
