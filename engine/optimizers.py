"""Adam, AdamW, SGD and AdaDelta with Keras' constants and Keras' update, because the report used Keras."""

from collections.abc import Callable, Iterable
from inspect import unwrap
from typing import Any, Final

import torch
from torch import Tensor

from engine.errors import ConfigError

EPSILON: Final = 1e-7
ADAM_BETAS: Final = (0.9, 0.999)
ADADELTA_RHO: Final = 0.95


class _Undecorated(torch.optim.Optimizer):
    """Methods without the decorators that make torch import its compiler, which takes as long as torch itself."""

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)


class _SGD(_Undecorated, torch.optim.SGD):
    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class _Adadelta(_Undecorated, torch.optim.Adadelta):
    step = torch.no_grad()(unwrap(torch.optim.Adadelta.step))


class KerasAdam(_Undecorated, torch.optim.Adam):
    """Adam in the "epsilon hat" form of Kingma & Ba 2015 (arXiv 1412.6980, end of section 2), as in Keras.

    Keras steps by lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + 1e-7). PyTorch divides v by 1 - β₂ᵗ before it adds its epsilon,
    so an epsilon of 1e-7 / √(1 - β₂ᵗ) there gives Keras' step exactly. With gradients near 1e-6, which a sigmoid and
    a small learning rate produce, the plain PyTorch form moves twice as far.

    With a `weight_decay`, it is AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), as in Keras and PyTorch: each step
    first shrinks every weight by a share of lr · `weight_decay`, including biases and batch norm.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        is_decoupled = weight_decay > 0
        constants: dict[str, Any] = {"betas": ADAM_BETAS, "eps": EPSILON, "fused": True}
        super().__init__(params, lr, weight_decay=weight_decay, decoupled_weight_decay=is_decoupled, **constants)

    _step = unwrap(torch.optim.Adam.step)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        for group in self.param_groups:
            # In the group, so that it is saved and restored with the optimizer's state.
            group["steps"] = group.get("steps", 0) + 1
            group["eps"] = EPSILON / (1 - group["betas"][1] ** group["steps"]) ** 0.5
        return self._step(closure)


def build_optimizer(
    name: str, parameters: Iterable[Tensor], lr: float, momentum: float, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """An optimizer over `parameters`.

    Parameters
    ----------
    name
        `adam`: β 0.9 and 0.999, ε 1e-7 in Keras' form (PyTorch: 1e-8 in its own form), see `KerasAdam`. `sgd`: with a
        constant rate, Keras and PyTorch differ only in the default learning rate; Keras scales the gradient by the rate
        before it enters the velocity, PyTorch scales the velocity. `adadelta`: ρ 0.95 and ε 1e-7 (PyTorch: 0.9 and
        1e-6), without the default rate of 1; at 1e-5, weights hardly move. `adamw`: the constants of `adam`, and by
        default the weight decay of Keras, 0.004 (PyTorch: 0.01).
    parameters
        The parameters to train.
    lr
        Learning rate.
    momentum
        Momentum of `sgd`; others ignore it.
    weight_decay
        Decoupled weight decay of `adamw`; others ignore it.

    Raises
    ------
    ConfigError
        If the name is unknown.
    """
    if name == "adam":
        return KerasAdam(parameters, lr)
    if name == "adamw":
        return KerasAdam(parameters, lr, weight_decay)
    if name == "sgd":
        return _SGD(parameters, lr=lr, momentum=momentum, fused=True)
    if name == "adadelta":
        return _Adadelta(parameters, lr=lr, rho=ADADELTA_RHO, eps=EPSILON)
    raise ConfigError(f"unknown optimizer {name!r}; choose one of adam, adamw, sgd, adadelta")
