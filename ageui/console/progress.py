"""Shows a run's progress on stderr: bars on a terminal, otherwise one line per epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ageui.console.consoles import print_prose
from ageui.present.figures import LOSS, number
from ageui.text import message_lines
from ageui.text.clean import clean
from engine.events import CheckpointWritten, Event, Progressed, RunEnded, RunFailed, StepsEnded
from engine.narration import Narrator

Show = Callable[[Event], None]


@contextmanager
def progress_display(console: Console, epochs: int = 0) -> Iterator[Show]:
    """Gives a function that shows events on `console`; `epochs` is the planned number of epochs."""
    if not console.is_terminal:
        yield _Lines(console, epochs)
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
        yield _Bars(console, bars, epochs)


class _Lines:
    """A line per event, except for progress within an epoch and the end of the run, which the command reports."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._console = console
        self._narrator = Narrator(epochs)

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunEnded | RunFailed) or (isinstance(event, CheckpointWritten) and event.kind == "state"):
            return
        line = self._narrator.line(event)
        if line is not None:
            print_prose(self._console, line)


class _Bars(_Lines):
    """The same lines above a bar for the current work."""

    def __init__(self, console: Console, bars: Progress, epochs: int) -> None:
        super().__init__(console, epochs)
        self._bars = bars
        self._task: TaskID | None = None
        self._what = ""
        self._loss = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Progressed(what, done, total):
                self._show(what, done, total)
            case StepsEnded():
                self._loss = f"loss {number(event.losses[-1][1], LOSS)} · " if event.losses else self._loss
                note = f"epoch {event.epoch} · {self._loss}{event.images_per_second:,.0f} images/s"
                self._show("training", event.step, event.total_steps, note)
            case _:
                super().__call__(event)

    def _show(self, what: str, done: int, total: int, note: str = "") -> None:
        if self._task is None or what != self._what:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task, self._what = self._bars.add_task(clean(what), note=note), what
        self._bars.update(self._task, completed=done, total=total, note=note)


CountProgress = Callable[[str, int, int], None]


@contextmanager
def count_progress(console: Console) -> Iterator[CountProgress]:
    """Gives a function (what, done, total) that shows a bar, or writes message lines if a program reads them."""
    if message_lines.are_wanted():
        yield lambda what, done, total: console.out(message_lines.progress_line(what, done, total), highlight=False)
        return
    with progress_display(console) as show:
        yield lambda what, done, total: show(Progressed(what, done, total))
