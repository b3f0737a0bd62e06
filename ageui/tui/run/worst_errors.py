"""A table of all images of a split, the largest error first."""

import os
from typing import ClassVar

from textual import getters, on
from textual.binding import BindingType

from ageui.present.figures import AGE, SIGNED_YEARS
from ageui.present.table import Cell, words
from ageui.text.clean import clean
from ageui.tui import keys
from ageui.tui.base_app import BaseApp
from ageui.tui.run.split_errors import ImageError, SplitErrors
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.table_rows import TableColumn, TableRow

_LONGEST_NAME, _LONGEST_VALUE = 36, 14
_FIGURES = (
    TableColumn("age", "true", 6, right=True),
    TableColumn("predicted", "predicted", 9, right=True),
    TableColumn("error", "error", 8, right=True),
)


class WorstErrors(PagedTable):
    """Shows the errors given by `show`."""

    app = getters.app(BaseApp)
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.WORST)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._errors: SplitErrors | None = None

    def show(self, errors: SplitErrors) -> None:
        if errors is not self._errors:
            self._errors = errors
            others = (TableColumn(f"of {name}", clean(name), _LONGEST_VALUE) for name in errors.predictions.attributes)
            self.show_columns([TableColumn("image", "image", _LONGEST_NAME), *_FIGURES, *others])
            self._put(*self.window)

    @on(PagedTable.PageWanted)
    def _put_page(self, event: PagedTable.PageWanted) -> None:
        event.stop()
        self._put(event.first, event.count)

    def _put(self, first: int, count: int) -> None:
        if self._errors is not None:
            images = enumerate(self._errors.worst(first, count), first)
            self.put(first, [TableRow(place, _cells(image)) for place, image in images], len(self._errors.order))

    @property
    def path(self) -> str:
        """The image under the cursor: its path, or its name if its folder is unknown or lacks it."""
        if self._errors is None or not len(self._errors.order):
            return ""
        (image,) = self._errors.worst(self.cursor, 1)
        path = os.path.join(self._errors.folder, image.name) if self._errors.folder else ""
        return path if os.path.exists(path) else image.name

    def action_copy_path(self) -> None:
        if path := self.path:
            self.app.copy_to_clipboard(path)
            self.app.tell(f"copied: {path}")


def _cells(image: ImageError) -> tuple[Cell, ...]:
    error = Cell(image.predicted - image.age, unit=SIGNED_YEARS)
    attributes = (words(value) for value in image.attributes.values())
    return words(image.name), Cell(image.age, unit=AGE), Cell(image.predicted, unit=AGE), error, *attributes
