"""Counts the memory of backbones and checks their first weights, in a process of its own, because that needs torch.

    python -P -m engine.count_footprint

Each line of stdin is a `FootprintKey` or `WeightsKey` as JSON, and for each one a `CountedFootprint` or
`CheckedWeights` as JSON goes to stdout, see `engine.footprints`.

To count memory, nothing is computed: only shapes go through the network, forwards and backwards, and every tensor
counts from its creation until its last user lets go. This is done for two batch sizes. All tensors grow linearly with
the batch, so the bytes alive after each operation are known for every batch.
"""

import gc
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import engine.train  # noqa: F401  loads everything that a run's process holds, to be weighed
from engine.backbone_names import BackboneName
from engine.config import build_config
from engine.device import Placement, place
from engine.errors import AgeUIError
from engine.features import FEATURES_BATCH
from engine.first_weights import CheckedWeights, WeightsKey, keep_fit
from engine.footprints import NETWORK_KEY, CountedFootprint, FootprintKey
from engine.memory_model import Footprint, LinearBytes
from engine.model_inputs import EVALUATION_BATCH, backbone_features
from engine.models import AgeModel
from engine.models.backbones import build_backbone, normalisation
from engine.models.weights import check_weights

_SMALL, _LARGE = 2, 4
_LARGEST_BATCH = 65536


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that are alive; `course` has the count after each operation."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.course: list[int] = []
        self._now = 0
        # Views of weights take no memory.
        self._known = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        self.course.append(self._now)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._known:
            self._known.add(storage._cdata)
            self._now += storage.nbytes()
            weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())

    def _free(self, known: int, size: int) -> None:
        self._known.discard(known)
        self._now -= size


def count_footprint(key: FootprintKey, process: int) -> Footprint:
    """Raises `ConfigError` and `DeviceError` for configs that no run could use either."""
    config = build_config(
        {"backbone": key.backbone, "size": key.size, "device": key.device, "precision": key.precision}
    )
    placement = place(config)
    backbone = build_backbone(config.backbone, config.size, 0)
    mean, std = normalisation(BackboneName.parse(config.backbone).network)
    model, shapes = AgeModel(backbone, nn.Identity(), mean, std), FakeTensorMode()
    _keep_shapes(model, shapes)
    counted = Placement(torch.device("cpu"), "", placement.dtype, "", "")

    def features(batch: int) -> Tensor:
        return backbone_features(model, torch.zeros(batch, 3, config.size, config.size), counted)

    def training(batch: int) -> None:
        features(batch).sum().backward()  # type: ignore[no-untyped-call]

    def scoring(batch: int) -> None:
        with torch.inference_mode():
            features(batch)

    def lines(step: Callable[[int], None], *, trains: bool) -> tuple[LinearBytes, ...]:
        model.train(trains)
        courses = []
        for batch in (_SMALL, _LARGE):
            model.zero_grad(set_to_none=True)
            gc.collect()
            living = _Living(model)
            with shapes, living:
                step(batch)
            courses.append(living.course)
        return _highest(*courses)

    return Footprint(
        device_type="cuda" if placement.device.type == "cuda" else "cpu",
        dtype=placement.dtype_name,
        size=config.size,
        process=process if placement.device.type == "cpu" else 0,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        state=sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()),
        features=model.feature_count,
        training=lines(training, trains=True),
        scoring=lines(scoring, trains=False),
        scoring_batch=EVALUATION_BATCH,
        features_batch=FEATURES_BATCH,
        needs_pairs=backbone.needs_pairs,
    )


def _keep_shapes(model: nn.Module, shapes: FakeTensorMode) -> None:
    """Replaces the network's tensors by ones without values, which initialisation would need."""
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    held[name] = shapes.from_tensor(tensor)  # type: ignore[assignment]


def _highest(small: list[int], large: list[int]) -> tuple[LinearBytes, ...]:
    """Of the lines through the bytes alive after each operation, those that are highest for some batch."""
    lines = []
    for at_small, at_large in zip(small, large, strict=True):
        per_image = (at_large - at_small) // (_LARGE - _SMALL)
        lines.append(LinearBytes(fixed=at_small - per_image * _SMALL, per_image=per_image))
    batches = [2**power for power in range(_LARGEST_BATCH.bit_length())]
    return tuple(dict.fromkeys(max(lines, key=lambda line: line.at(batch)) for batch in batches))


def _process_bytes() -> int:
    """Memory of this process once it has trained for a step, as an engine does."""
    layers = nn.Sequential(nn.Conv2d(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 64, 3))
    layers(torch.zeros(2, 3, 64, 64)).mean().backward()
    return int(psutil.Process().memory_info().rss)


def _counted(key: FootprintKey, process: int) -> CountedFootprint:
    try:
        return CountedFootprint(key=key, footprint=count_footprint(key, process))
    except AgeUIError as error:
        return CountedFootprint(key=key, problem=str(error), failure=error.failure)
    except Exception as error:  # some networks cannot be run on shapes alone
        return CountedFootprint(key=key, problem=f"{key.backbone} cannot be counted: {type(error).__name__}")


def _checked_weights(key: WeightsKey) -> CheckedWeights:
    try:
        found = check_weights(build_backbone(key.backbone, key.size, 0).network, key.backbone, key.init)
        if found is None:
            return CheckedWeights(key=key)
        file, report = found
        checked = CheckedWeights(key=key, sentence=report.sentence(), warnings=report.warnings)
        keep_fit(checked, file)
        return checked
    except AgeUIError as error:
        return CheckedWeights(key=key, problem=str(error), failure=error.failure)
    except Exception:  # left to the engine, which keeps the traceback with the run
        return CheckedWeights(key=key)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps the output of libraries out of the answers
    process = _process_bytes()
    for line in sys.stdin:
        key = NETWORK_KEY.validate_json(line)
        answer = _checked_weights(key) if isinstance(key, WeightsKey) else _counted(key, process)
        answers.write(f"{answer.model_dump_json()}\n")
        answers.flush()


if __name__ == "__main__":
    main()
