"""Labels of cells in narrow columns: the values alone, with the fields in the column's title."""

from dataclasses import dataclass

from rich.cells import cell_len

from ageui.compare.differing_settings import label, setting
from ageui.study.study import Study, StudyCell
from ageui.study.wording import short_title
from ageui.text.clean import clean
from engine.choices import REPORT_ATTRIBUTES

_BETWEEN = " · "


@dataclass(frozen=True)
class CellLabels:
    """Labels by the `fields` in which cells differ; cells with labels of their own keep them, and `fields` is empty."""

    fields: tuple[str, ...]
    longest: int

    @classmethod
    def of(cls, study: Study) -> "CellLabels":
        texts = {field: {setting(cell.settings, field) for cell in study.trained} for field in study.fields}
        differing = tuple(field for field in study.fields if len(texts[field]) > 1)
        is_plain = all(cell.label == label(cell.settings, study.fields) for cell in study.trained)
        found = cls(differing if is_plain else (), 0)
        return cls(found.fields, max(cell_len(found.text(cell)) for cell in study.cells))

    @property
    def title(self) -> str:
        """`loss · batch`, or `cell`."""
        return _BETWEEN.join(self.fields) or "cell"

    def text(self, cell: StudyCell, width: int | None = None) -> str:
        """The label of a cell; with a `width`, names of attributes are abbreviated if need be."""
        if not self.fields or not cell.settings:
            return clean(cell.label)
        text = clean(_BETWEEN.join(setting(cell.settings, field) for field in self.fields))
        if width is None or cell_len(text) <= width:
            return text
        for name in REPORT_ATTRIBUTES:
            text = text.replace(name, short_title(name))
        return text if cell_len(text) <= width else text.replace(_BETWEEN, "·")
