"""Text that is laid out anew for every width."""

from collections.abc import Callable, Sequence

from rich.console import RenderableType
from rich.text import Text
from textual.widgets import Static

Lines = Callable[[int], Sequence[Text]]
"""The lines of a text for a width in cells."""


class FittedText(Static):
    """Shows lines as they fit its width, or anything else."""

    DEFAULT_CSS = """
    FittedText { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._lines: Lines | None = None

    def fit(self, lines: Lines) -> None:
        self._lines = lines
        self._draw()

    def show_instead(self, shown: RenderableType) -> None:
        """Shows what needs no width."""
        self._lines = None
        self.update(shown)

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw()

    def _draw(self) -> None:
        if self._lines is not None and self.size.width:
            self.update(Text("\n").join(self._lines(self.size.width)))
