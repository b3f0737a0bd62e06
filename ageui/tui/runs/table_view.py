"""The contents and arrangement of the table of runs, as a value that can be saved under a name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from ageui.store.filters import ordering, where
from ageui.tui.prefs import Prefs
from ageui.tui.runs.columns import COLUMNS, order_title
from ageui.tui.runs.entries import without_std
from engine.config import RunConfig
from engine.errors import ConfigError


@dataclass(frozen=True)
class TableView:
    """The filter, and the table's settings in `Prefs`. No columns means those that fit the width."""

    filter: str = ""
    columns: tuple[str, ...] = ()
    order: str = "turn"
    folded: bool = False
    grouped: str = ""

    @classmethod
    def of(cls, filter: str, prefs: Prefs) -> Self:
        return cls(filter.strip(), prefs.columns, prefs.order, prefs.folded, prefs.grouped)

    @classmethod
    def from_json(cls, stored: object) -> Self:
        """A stored view. Values that are missing or invalid get their defaults."""
        raw: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
        columns = raw.get("columns")
        texts = {name: raw[name] for name in ("filter", "order", "grouped") if isinstance(raw.get(name), str)}
        names = tuple(map(str, columns)) if isinstance(columns, list) else ()
        return cls(**texts, columns=names, folded=raw.get("folded") is True)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def usable(self) -> tuple[Self, list[str]]:
        """The part of the view that this version can show, and a sentence about each other part."""
        found, problems = self, []
        try:
            where(self.filter)
        except ConfigError as error:
            problems.append(f"its filter is left out: {str(error).splitlines()[0]}")
            found = replace(found, filter="")
        if unknown := [name for name in self.columns if name not in COLUMNS]:
            problems.append(f"this version has no column {', '.join(unknown)}")
            found = replace(found, columns=tuple(name for name in self.columns if name in COLUMNS))
        try:
            ordering(without_std(self.order))
        except ConfigError as error:
            problems.append(str(error).splitlines()[0])
            found = replace(found, order="turn")
        if self.grouped and self.grouped not in RunConfig.model_fields:
            problems.append(f"runs cannot be grouped by {self.grouped}")
            found = replace(found, grouped="")
        return found, problems

    def sentence(self) -> str:
        """A line about the contents of the view."""
        parts = [self.filter or "all runs", order_title(self.order, folded=self.folded)]
        parts += ["folded"] if self.folded else []
        parts += [f"grouped by {self.grouped}"] if self.grouped else []
        parts += [f"{len(self.columns)} columns"] if self.columns else []
        return " · ".join(parts)


BUILT_IN: Mapping[str, TableView] = {
    "all runs": TableView(),
    "training and queued": TableView("ended=none status!=paused source=measured"),
    "done today": TableView("status=done ended=today", order="-ended"),
    "best MAE": TableView("mae!=none", order="mae", folded=True),
    "failed": TableView("ended!=none status!=done status!=cancelled", order="-ended"),
    "published": TableView("source=report", order="mae"),
    "demo": TableView("tag=demo", order="mae", folded=True),
}
