"""Runs in a store to report on, with figures that are made up, and what reads a report."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
from store_rows import end, epoch, evaluated, running

from ageui.present.table import Table
from ageui.present.wording import in_line
from ageui.store import RunDetail, Store
from engine.events import Evaluated
from engine.fairness import evaluate_split
from engine.groups import group_codes


def done_run(store: Store, name: str = "plain", *, status: str = "done", scored: Evaluated | None = None) -> RunDetail:
    """A run of two stages of two epochs each, scored on valid."""
    run_id, attempt = running(store, name, seed=len(name))
    with store.writing(run_id, attempt) as writer:
        for number in (1, 2, 3, 4):
            writer.epoch(epoch(number, stage=1 + number // 3, is_best=number < 4))
        writer.evaluated(scored or evaluated(), "apparent", "faces")
    end(store, run_id, attempt, status)
    return store.runs.detail(run_id)


def measured(
    names: list[str],
    groups: list[str | None],
    attribute: str = "gender",
    resamples: int = 50,
    unreadable: int | None = None,
) -> Evaluated:
    """Predictions for images of these names and groups, scored as the engine does; NaN for the `unreadable` one."""
    random = np.random.default_rng(0)
    ages = random.uniform(1, 80, len(names))
    predicted = (ages + random.normal(0.0, 6, len(names))).astype(np.float32)
    if unreadable is not None:
        predicted[unreadable] = np.nan
    items = pd.DataFrame({"image": names, "age": ages, attribute: groups})
    coded = {attribute: group_codes(items, attribute)}
    result = evaluate_split(ages, predicted.astype(np.float64), coded, 30.0, split="valid", resamples=resamples)
    return Evaluated("valid", result, items, predicted)


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.attributes if own == name]


def titles(table: Table) -> list[str]:
    return [column.title for column in table.columns]


def texts(table: Table) -> list[tuple[str, ...]]:
    return [tuple(map(in_line, row)) for row in table.rows]
