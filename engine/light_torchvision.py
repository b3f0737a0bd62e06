"""torchvision, and torch's arithmetic on shapes, without `torch._dynamo`, whose import takes as long as torch's own.

Both ask that module for next to nothing: `torchvision.ops.roi_align` at its import whether a function can be compiled,
and torch, where tensors have shapes alone, to leave functions out of programs. Nothing is compiled meanwhile.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from types import ModuleType
from typing import Any

from engine.errors import DeviceError

_COMPILER, _UTILS = "torch._dynamo", "torch._dynamo.utils"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Inside, a module that does nothing stands for `torch._dynamo`, unless that is imported already."""
    if _COMPILER in sys.modules:
        yield
        return
    compiler, utils = ModuleType(_COMPILER), ModuleType(_UTILS)
    compiler.disable = _as_it_is  # type: ignore[attr-defined]
    utils.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
    sys.modules |= {_COMPILER: compiler, _UTILS: utils}
    try:
        yield
    finally:
        del sys.modules[_COMPILER], sys.modules[_UTILS]


def _as_it_is(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
    return function


def _is_compile_supported(device_type: Any) -> bool:
    return bool(importlib.import_module(_UTILS).is_compile_supported(device_type))


def _import_torchvision() -> None:
    """Imports it without the compiler; one that wants more of the compiler is left to the next import.

    Raises DeviceError if it was built for another PyTorch.
    """
    try:
        with without_compiler(), suppress(ImportError):
            importlib.import_module("torchvision")
    except RuntimeError as error:  # its operators are not registered
        pair = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision"))
        raise DeviceError(
            f"torchvision does not fit PyTorch here ({pair}): {error}; install both again, from the same place"
        ) from error


_import_torchvision()

import torchvision  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names  # noqa: E402

__all__ = ["create_feature_extractor", "get_graph_node_names", "models", "torchvision", "without_compiler"]
