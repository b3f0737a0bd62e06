"""Text that may come from outside, in as many lines as needed."""

from textual.widgets import Static

from ageui.text.clean import clean


class PlainText(Static):
    """Shows plain text. Unchanged text needs no layout."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._text = ""

    def put(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.update(clean(text, lines=True))
