"""The peak memory of an opened store's done runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, func
from sqlalchemy import select as sql_select
from sqlmodel import col

from ageui.store.run_rows import RUN_ID
from ageui.store.store_part import StorePart
from ageui.store.tables import MEASURED, Attempt, Run
from engine.memory_settings import MEMORY_FIELDS

_SEARCHED: Final = 1000
_FACTS: Final = ("device", "device_type", "dtype", "threads", "recipe", "versions", "splits")
_PATHS: Final = [f"$.{'data.' if name == 'splits' else ''}{name}" for name in _FACTS]


@dataclass(frozen=True)
class PeakRow:
    """The largest peak of runs with equal fields and facts, and its run.

    `config` has the `MEMORY_FIELDS`. `facts` are those of the manifest: device, device_type, dtype, threads, recipe,
    versions, and the splits of the data. `data_spec` is the data set's.
    """

    run_id: int
    bytes: int
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    data_spec: Mapping[str, Any]


class PeakMemory(StorePart):
    """Reads measured peaks."""

    def measured(self) -> list[PeakRow]:
        """The peaks of the newest done runs with one attempt: others may have peaked before a process died.

        Reads `_SEARCHED` runs, which takes a few hundredths of a second.
        """
        newest = sql_select(RUN_ID).where(col(Run.status) == "done", col(Run.source) == MEASURED)
        config = func.json_extract(col(Run.config), *(f"$.{name}" for name in MEMORY_FIELDS))
        facts = func.json_extract(col(Attempt.manifest), *_PATHS)
        whole = and_(
            col(Attempt.run_id) == RUN_ID,
            col(Attempt.number) == col(Run.attempt),
            col(Attempt.peak_memory_bytes).is_not(None),
            func.coalesce(col(Attempt.step), 0) == 0,
        )
        found = (
            sql_select(RUN_ID, func.max(col(Attempt.peak_memory_bytes)), config, facts, col(Run.data_spec))
            .join(Attempt, whole)
            .where(RUN_ID.in_(newest.order_by(RUN_ID.desc()).limit(_SEARCHED)))
            .group_by(config, facts, col(Run.data_spec))
        )
        with self._read() as session:
            return [
                PeakRow(run_id, peak, _named(MEMORY_FIELDS, values), _named(_FACTS, measured), spec)
                for run_id, peak, values, measured, spec in session.execute(found)
            ]


def _named(names: tuple[str, ...], values: str) -> dict[str, Any]:
    """The values of a JSON list by name, without missing ones."""
    return {name: value for name, value in zip(names, json.loads(values), strict=True) if value is not None}
