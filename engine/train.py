"""`train`: a run from its request to scored weights, with messages for all failures that a person can act on."""

import sys
import textwrap
import time
from collections.abc import Callable

import torch

from engine.errors import ConfigError, HostMemoryError
from engine.events import Event, Noted, Progressed, RunEnded, RunOutcome
from engine.gpu_memory import out_of_gpu_memory
from engine.memory_advice import smaller
from engine.peak_memory import emitting_peak
from engine.request import RunRequest
from engine.run_setup import set_up
from engine.trainer import Stopped, Trainer

_LONGEST_REASON = 200


class _OutOfGpuMemory(Exception):
    """The GPU ran out of memory while pixels held `pixel_bytes` of it."""

    def __init__(self, pixel_bytes: int) -> None:
        super().__init__()
        self.pixel_bytes = pixel_bytes


def train(
    request: RunRequest, *, emit: Callable[[Event], None], should_stop: Callable[[], bool] = lambda: False
) -> RunEnded:
    """Trains and scores a run.

    A run that continues from a checkpoint gives the same bits as an uninterrupted run.

    Parameters
    ----------
    request
        The run: its config, data and folder, and the checkpoints to continue from, newest first. The first intact
        checkpoint is used. The kept weights are written to the folder, see `engine.kept_weights.weights_file`.
    emit
        Receives every event, in order.
    should_stop
        Called after every step. When it returns True, the run writes a checkpoint and the best weights so far, and ends
        as `interrupted`.

    Returns
    -------
    RunEnded
        The last event. Its outcome is `diverged` if a loss was not finite; the best weights of earlier epochs are then
        kept and scored.

    Raises
    ------
    ConfigError, DataError, DeviceError
        If a person must first change the config, data set or device.
    DiskFullError
        If the disk is too full for a checkpoint; earlier checkpoints stay intact.
    """
    config, begin = request.config, time.monotonic()
    try:
        with emitting_peak(emit):
            outcome, reason = _train(request, emit, should_stop)
    except _OutOfGpuMemory as full:
        # Handled below, because the traceback keeps the network and its memory alive until this clause ends.
        pixel_bytes = full.pixel_bytes
    except (RuntimeError, MemoryError) as error:
        if config.compile and _is_of_the_compiler(error):
            reason = textwrap.shorten(str(error), _LONGEST_REASON)
            raise ConfigError(
                f"torch.compile cannot compile {config.backbone} here: {reason}; train without it: --set compile=false"
            ) from error
        if not _is_out_of_host_memory(error):
            raise
        raise HostMemoryError(
            f"this machine does not have enough memory for batch {config.batch} at {config.size} px with "
            f"{config.backbone}; end other programs, or {smaller(config)}"
        ) from error
    else:
        ended = RunEnded(outcome, reason, time.monotonic() - begin)
        emit(ended)
        return ended
    raise out_of_gpu_memory(config, request.device, pixel_bytes)


def _train(
    request: RunRequest, emit: Callable[[Event], None], should_stop: Callable[[], bool]
) -> tuple[RunOutcome, str]:
    trainer: Trainer | None = None

    def progress(what: str, done: int, total: int) -> None:
        emit(Progressed(what, done, total))
        if should_stop():
            raise Stopped

    pixel_bytes = 0
    try:
        setup = set_up(request, progress, lambda message: emit(Noted(message, warning=True)))
        pixel_bytes = setup.images.source.device_bytes
        trainer = Trainer(request, setup, emit, should_stop, progress)
        return trainer.run()
    except torch.cuda.OutOfMemoryError as error:
        raise _OutOfGpuMemory(pixel_bytes) from error
    except Stopped:
        if trainer is not None:
            trainer.write_checkpoint()
            trainer.write_kept_weights()
        return "interrupted", "stopped by request"


def _is_of_the_compiler(error: Exception) -> bool:
    """Whether torch.compile failed. Looks only at an imported compiler, which other runs never import."""
    compiler = sys.modules.get("torch._dynamo.exc")
    return compiler is not None and isinstance(error, compiler.TorchDynamoException)


def _is_out_of_host_memory(error: RuntimeError | MemoryError) -> bool:
    """Whether the machine's memory ran out.

    torch's CPU allocator raises a plain RuntimeError without its own type or code: only the text identifies it
    (c10/core/impl/alloc_cpu.cpp).
    """
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)
