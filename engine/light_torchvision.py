"""Imports torchvision, and uses torch's arithmetic on shapes, without the slow import of `torch._dynamo`.

That import takes as long as torch's own, but both need almost nothing of it: `torchvision.ops.roi_align` asks at import
whether a function can be compiled, and torch, for tensors that have only shapes, excludes functions from programs.
Nothing is compiled meanwhile.
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
    """Replaces `torch._dynamo` by a module that does nothing, unless it is imported already."""
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
    """Imports torchvision without the compiler; a version that needs more of it is left to the next import.

    Raises `DeviceError` if it was built for another PyTorch.
    """
    try:
        with without_compiler(), suppress(ImportError):
            importlib.import_module("torchvision")
    except RuntimeError as error:  # its operators are not registered
        pair = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision"))
        raise DeviceError(
            f"torchvision does not match PyTorch ({pair}): {error}; reinstall both in one command: "
            "pip install --force-reinstall torch torchvision"
        ) from error


_import_torchvision()

import torchvision  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names  # noqa: E402

__all__ = ["create_feature_extractor", "get_graph_node_names", "models", "torchvision", "without_compiler"]
