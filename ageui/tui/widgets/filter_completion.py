"""Completes the last term of a filter: the name of a field, then one of its values."""

import asyncio

from textual.suggester import Suggester

from ageui.store import Store
from ageui.store.filter_fields import filter_fields
from ageui.store.tables import STATUSES
from ageui.text.clean import has_hidden
from engine import choices
from engine.errors import AgeUIError

_VALUES: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "loss": choices.LOSSES,
    "head": choices.HEADS,
    "strategy": choices.STRATEGIES,
    "optimizer": choices.OPTIMIZERS,
    "schedule": choices.SCHEDULES,
    "augment": choices.AUGMENTS,
    "split": choices.SPLITS,
    "archived": ("true", "false"),
    "weights": choices.REPORT_ATTRIBUTES,
}
_OPERATORS = ("!=", "=", ":")


class FilterCompletion(Suggester):
    """Suggests names of fields, the values that a config may have, and those that stored runs have."""

    def __init__(self, store: Store) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._store = store

    async def get_suggestion(self, value: str) -> str | None:
        before, space, term = value.rpartition(" ")
        operator = next((one for one in _OPERATORS if one in term), "")
        if not operator:
            fields = filter_fields().values()
            found = next((field for field in fields if field.name.startswith(term) and term), None)
            ending = "" if found is None or found.kind in ("number", "numbers", "time") else "="
            return f"{before}{space}{found.name}{ending}" if found is not None and found.name + ending != term else None
        name, _, start = term.partition(operator)
        there = await self._values(name, start)
        values = [one for one in there if one.startswith(start) and " " not in one and not has_hidden(one)]
        return f"{before}{space}{name}{operator}{values[0]}" if values and values[0] != start else None

    async def _values(self, name: str, start: str) -> tuple[str, ...]:
        field = filter_fields().get(name)
        if name in _VALUES or field is None or field.kind not in ("text", "texts", "tags") or not start:
            return _VALUES.get(name, ())
        try:
            return await asyncio.to_thread(self._store.runs.values, name, start)
        except AgeUIError:
            return ()  # a suggestion is no reason to interrupt
