"""Text and tables that are laid out anew for every width."""

from collections.abc import Callable

from rich.console import RenderableType
from textual.widgets import Static

Fit = Callable[[int], RenderableType]
"""What to show in a width of cells."""


class FittedText(Static):
    """Shows what fits its width."""

    DEFAULT_CSS = """
    FittedText { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._fit: Fit | None = None

    def fit(self, fit: Fit) -> None:
        self._fit = fit
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw()

    def _draw(self) -> None:
        if self._fit is not None and self.size.width:
            self.update(self._fit(self.size.width))
