"""Advice for a run that ran out of GPU memory: the largest batch that fits, found by trial."""

from collections.abc import Callable

import torch

from engine.choices import FRESH_AUGMENTS
from engine.config import RunConfig
from engine.cuda_graphs import are_wanted
from engine.device import Placement, place
from engine.errors import GpuMemoryError
from engine.losses import build_loss, reduce
from engine.memory_advice import smaller
from engine.model_inputs import EVALUATION_BATCH, backbone_features
from engine.models import build_model
from engine.optimizers import build_optimizer
from engine.release_memory import release_memory
from engine.weight_average import WeightAverage

SMALLEST_BATCH = 2
_MARGIN = 0.95


def out_of_gpu_memory(config: RunConfig, device: str | None = None, pixel_bytes: int = 0) -> GpuMemoryError:
    """The error for a run that ran out of GPU memory, with a batch size that fits beside its `pixel_bytes`.

    Free all of the run's GPU memory before calling it.
    """
    placement = place(config, device)
    release_memory()
    free, total = torch.cuda.mem_get_info(placement.device)
    room = free - pixel_bytes

    def measure(batch: int) -> int | None:
        taken = step_bytes(config, placement, batch)
        return taken if taken is not None and taken <= room else None

    if config.trains_backbone or config.augment in FRESH_AUGMENTS:
        fits = fitting_batch(measure, config.batch, room)
        if fits:
            advice = f"choose --batch {fits}, which fits (tried just now)"
        elif config.batch > SMALLEST_BATCH:
            smallest = config.model_copy(update={"batch": 1})
            advice = f"no smaller batch fits either: {smaller(smallest)}"
        else:
            advice = smaller(config)
    else:
        advice = f"cached features take the same memory with any batch: {smaller(config)}"
    used = total - free
    others = f", {used / 1e9:.1f} GB of it used by others" if used > 0.1 * total else ""
    return GpuMemoryError(
        f"{placement.device_name} does not have enough memory ({total / 1e9:.1f} GB{others}) for batch {config.batch} "
        f"at {config.size} px with {config.backbone}; {advice}"
    )


def fitting_batch(measure: Callable[[int], int | None], failed: int, free: int) -> int | None:
    """The largest batch below `failed` that is likely to fit, and fitted in a trial; None if no batch does.

    Assumes that memory grows linearly with the batch.

    Parameters
    ----------
    measure
        Tries a batch and returns its memory in bytes; None if it did not fit.
    failed
        The batch that ran out of memory.
    free
        Free memory in bytes.

    Examples
    --------
    A step takes 100 bytes, and 10 more for each image:

    >>> fitting_batch(lambda batch: 100 + 10 * batch if batch <= 90 else None, failed=256, free=1000)
    85
    """
    if failed <= SMALLEST_BATCH or (base := measure(SMALLEST_BATCH)) is None:
        return None
    second = 2 * SMALLEST_BATCH
    if second >= failed or (more := measure(second)) is None:
        return SMALLEST_BATCH
    per_image = max(1.0, (more - base) / (second - SMALLEST_BATCH))
    batch = min(failed - 1, SMALLEST_BATCH + int((_MARGIN * free - base) / per_image))
    while batch > second:
        if measure(batch) is not None:
            return batch
        batch = batch * 3 // 4
    return second


def step_bytes(config: RunConfig, placement: Placement, batch: int) -> int | None:
    """The peak GPU memory in bytes reserved for steps of `batch` images and for scoring; None if memory ran out."""
    torch.cuda.reset_peak_memory_stats(placement.device)
    try:
        _try_steps(config, placement, batch)
        return torch.cuda.max_memory_reserved(placement.device)
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        release_memory()


def _try_steps(config: RunConfig, placement: Placement, batch: int) -> None:
    """Runs two train steps and scores one block of images, beside the memory that graphs would keep."""
    loss = build_loss(config)
    loss.begin(placement.device, {})
    fresh = config.model_copy(update={"init": "random"})
    model, _ = build_model(fresh, loss.outputs, shares_weights=loss.shares_weights)
    model.to(placement.device).to(memory_format=torch.channels_last)
    model.set_training_stage(train_backbone=config.trains_backbone, bn=config.bn)
    model.train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = build_optimizer(config.optimizer, trainable, config.lr[-1], config.momentum, config.weight_decay)
    average = WeightAverage(model, config.ema, {}) if config.ema else None
    images = torch.zeros((batch, 3, config.size, config.size), device=placement.device)
    ages = torch.full((batch,), 30.0, device=placement.device)
    target = loss.targets(ages, torch.full_like(ages, torch.nan), torch.zeros_like(ages))
    for _ in range(2):  # the first step allocates the optimizer's tensors
        optimizer.zero_grad(set_to_none=True)
        output = model.score(backbone_features(model, images, placement))
        reduce(loss.per_image(output, target), None).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    kept = _kept_by_graphs(placement.device)
    model.eval()
    with torch.no_grad():
        block = torch.zeros((EVALUATION_BATCH, 3, config.size, config.size), device=placement.device)
        model.score(backbone_features(model, block, placement))
    torch.cuda.synchronize(placement.device)
    del kept, average


def _kept_by_graphs(device: torch.device) -> torch.Tensor | None:
    """Takes as many bytes as the previous steps took temporarily; None without graphs."""
    if not are_wanted(device):
        return None
    came_and_went = torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)
    torch.cuda.empty_cache()
    return torch.empty(came_and_went, dtype=torch.uint8, device=device)
