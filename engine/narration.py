"""A run's events as lines for people, identical in a terminal and in a log file."""

from collections.abc import Callable, Iterator
from typing import Final

from engine.counted import counted
from engine.epoch_scores import EpochScores
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Evaluated,
    Event,
    MemoryPeaked,
    Noted,
    RunEnded,
    RunFailed,
    RunStarted,
    StageStarted,
)
from engine.number_text import number_text

_LOSS: Final[Callable[[float], str]] = "{:.5g}".format
_BIASES_NAMED: Final = 4
_YEARS: Final[Callable[[float], str]] = "{:.2f} years".format


class Narrator:
    """Narrates an attempt at a run of at most `epochs` epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def line(self, event: Event) -> str | None:
        """A line about the event, which may contain text from outside; None if it needs no line."""
        match event:
            case Noted():
                return f"warning: {event.message}" if event.warning else event.message
            case RunStarted(step=step, epoch=epoch) if step > 0:
                return f"continuing after step {step:,}, {counted(epoch, 'epoch')} complete"
            case StageStarted():
                return (
                    f"stage {event.stage} of {event.stages}: {counted(event.epochs, 'epoch')} of "
                    f"{counted(event.steps_per_epoch, 'step')}, {event.trainable_parameters:,} parameters train"
                )
            case EpochEnded():
                return self._epoch_line(event)
            case CheckpointWritten(kind="best"):
                return f"kept the weights of epoch {event.epoch}: {event.bytes / 1e6:.1f} MB"
            case CheckpointWritten():
                return f"checkpoint after step {event.step:,}: {event.bytes / 1e6:.1f} MB"
            case Evaluated():
                mae = number_text(event.result.mae, _YEARS)
                return f"scored {event.split}: {counted(event.result.n, 'image')}, MAE {mae}"
            case MemoryPeaked():
                return f"used up to {event.bytes / 1e9:.2f} GB of memory"
            case RunFailed():
                return event.message
            case RunEnded(outcome="interrupted") if event.reason:  # the engine is not told whether to pause or cancel
                return f"{event.reason} after {event.seconds:.1f} s"
            case RunEnded():
                return f"{event.outcome}{f': {event.reason}' if event.reason else ''} after {event.seconds:.1f} s"
            case _:
                return None

    def _epoch_line(self, event: EpochEnded) -> str:
        parts = [f"epoch {event.epoch}/{self._epochs}", f"train loss {number_text(event.train_loss, _LOSS)}"]
        if event.val_loss is not None:
            parts.append(f"val loss {number_text(event.val_loss, _LOSS)}{' (best so far)' if event.is_best else ''}")
        if event.val_mae is not None:
            parts.append(f"val MAE {number_text(event.val_mae, _YEARS)}")
        if event.scores is not None and (biases := [*_biases(event.scores)]):
            parts.append(f"bias {', '.join(biases[:_BIASES_NAMED])}")
        parts.append(f"{event.seconds:.1f} s, {event.images_per_second:,.0f} images/s")
        return " · ".join(parts)


def _biases(scores: EpochScores) -> Iterator[str]:
    for attribute, bias in scores.bias.items():
        if bias is not None:
            yield f"{attribute} {number_text(bias, '{:.2f}'.format)}"
