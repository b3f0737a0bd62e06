"""What a person sees on stderr while a run trains: bars on a terminal, else one line per epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from ageui.text import clean
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Evaluated,
    Event,
    Noted,
    Progressed,
    StageStarted,
    StepEnded,
)

Show = Callable[[Event], None]


@contextmanager
def progress_display(console: Console) -> Iterator[Show]:
    """A function that shows events on `console` for as long as the context lasts."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    ) as bars:
        yield _Bars(console, bars)


class _Lines:
    """Everything but the progress inside an epoch, a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._epochs = 0

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line is not None:
            self._console.print(Text(clean(line)), soft_wrap=True)

    def _line(self, event: Event) -> str | None:
        match event:
            case Noted(message):
                return message
            case StageStarted():
                self._epochs += event.epochs
                return (
                    f"stage {event.stage} of {event.stages}: {event.epochs} epochs of {event.steps_per_epoch} steps, "
                    f"{event.trainable_parameters:,} parameters train"
                )
            case EpochEnded():
                return _epoch_line(event, self._epochs)
            case CheckpointWritten():
                return f"kept the weights of epoch {event.epoch}: {event.bytes / 1e6:.1f} MB"
            case Evaluated():
                return f"scored {event.split}: {event.result.n} images, MAE {event.result.mae:.2f} years"
            case _:
                return None


class _Bars(_Lines):
    """The same lines, with a bar below them for what is going on."""

    def __init__(self, console: Console, bars: Progress) -> None:
        super().__init__(console)
        self._bars = bars
        self._task: TaskID | None = None
        self._what = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Progressed(what, done, total):
                self._show(what, done, total)
            case StepEnded():
                note = f"epoch {event.epoch} · loss {event.loss:.4g} · {event.images_per_second:,.0f} images/s"
                self._show("training", event.step, event.total_steps, note)
            case _:
                super().__call__(event)

    def _show(self, what: str, done: int, total: int, note: str = "") -> None:
        if self._task is None or what != self._what:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task, self._what = self._bars.add_task(clean(what), note=note), what
        self._bars.update(self._task, completed=done, total=total, note=note)


def _epoch_line(event: EpochEnded, epochs: int) -> str:
    parts = [f"epoch {event.epoch}/{epochs}", f"train loss {event.train_loss:.5g}"]
    if event.val_loss is not None:
        parts.append(f"val loss {event.val_loss:.5g}{' ★' if event.is_best else ''}")
    if event.val_mae is not None:
        parts.append(f"val MAE {event.val_mae:.2f} years")
    parts.append(f"{event.seconds:.1f} s, {event.images_per_second:,.0f} images/s")
    return " · ".join(parts)


CountProgress = Callable[[str, int, int], None]


@contextmanager
def count_progress(console: Console) -> Iterator[CountProgress]:
    """A function (what, done, total) that shows a bar on a terminal and nothing elsewhere."""
    with progress_display(console) as show:
        yield lambda what, done, total: show(Progressed(what, done, total))
