"""A line of text that changes often."""

from rich.text import Text
from textual.widgets import Static


class TextLine(Static):
    """A widget one line high: new text needs no layout, and unchanged text no drawing."""

    DEFAULT_CSS = """
    TextLine {
        height: 1;
        width: 1fr;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._text = Text()

    def put(self, text: Text | str) -> None:
        """Shows text without line feeds. A string is never markup."""
        new = text if isinstance(text, Text) else Text(text)
        if new != self._text:
            self._text = new
            self.update(new, layout=False)
