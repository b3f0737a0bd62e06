"""Text and tables with a new layout for every width."""

from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text
from textual.widgets import Static

Fit = Callable[[int], RenderableType]
"""Makes the contents for a width in cells."""


class FittedText(Static):
    """Shows contents that fit its width.

    Renders once per width and theme, while Textual would render at every layout.
    """

    DEFAULT_CSS = """
    FittedText { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._fit: Fit | None = None
        self._rendered: tuple[object, ...] = ()

    def fit(self, fit: Fit) -> None:
        self._fit = fit
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw()

    def _draw(self) -> None:
        if self._fit is None or not self.size.width:
            return
        wanted = self._fit, self.size.width, self.app.theme
        if wanted != self._rendered:
            self._rendered = wanted
            self.update(self._as_text(self._fit(self.size.width)))

    def _as_text(self, shown: RenderableType) -> Text:
        if isinstance(shown, Text):
            return shown
        options = self.app.console.options.update(width=self.size.width, height=None)
        lines = self.app.console.render_lines(shown, options, pad=False)
        return Text("\n").join(Text.assemble(*((one.text, one.style or "") for one in line)) for line in lines)
