"""torchvision, imported without `torch._dynamo`, which takes as long as torch itself.

`torchvision.ops.roi_align` asks it for one function at import, to tell whether a function can be compiled. Nothing here
calls that one; who does gets the real answer.
"""

import importlib
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any

_WANTED = "torch._dynamo.utils"


def _is_compile_supported(device_type: Any) -> bool:
    return bool(importlib.import_module(_WANTED).is_compile_supported(device_type))


def _without_dynamo() -> None:
    if "torch._dynamo" in sys.modules:
        return
    utils = ModuleType(_WANTED)
    utils.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
    stand_ins = {"torch._dynamo": ModuleType("torch._dynamo"), _WANTED: utils}
    sys.modules.update(stand_ins)
    with suppress(ImportError):  # a torchvision that wants more of it imports it below
        importlib.import_module("torchvision")
    for name in stand_ins:
        del sys.modules[name]


_without_dynamo()

import torchvision.models as models  # noqa: E402
from torchvision import __version__  # noqa: E402
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names  # noqa: E402

__all__ = ["__version__", "create_feature_extractor", "get_graph_node_names", "models"]
