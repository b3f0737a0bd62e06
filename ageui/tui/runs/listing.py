"""All rows of the table of runs, found, folded, grouped and sorted in the reading thread. The table shows a page."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ageui.compare.differing_settings import differing_settings, setting, telling
from ageui.compare.repeats import Repeatable, Seeds, repeats, seeds_of
from ageui.compare.seed_figures import arithmetic_of, setting_key
from ageui.present.figures import number
from ageui.store import Store
from ageui.store.listing import ListedConstant, ListedFigures, ListedRun
from ageui.tui.runs.entries import (
    FIGURES,
    NEVER,
    NO_FIGURES,
    Entry,
    constant_name,
    is_missing,
    mean_and_std,
    printed_best,
    sorted_by,
    without_std,
)
from engine.config import RunConfig

_ALL = (True,) * len(FIGURES)
_ALL_BUT_AGE = tuple(name != "age" for name in FIGURES)
_FIRST_KEY = -(1 << 40)
_MANY = 2000
_State = tuple[str, int, str | None, float | None, float | None]
"""Status, attempt, and newest score and test of a run: if these are unchanged, so are its figures and manifest."""


class RunsQuery(NamedTuple):
    """The query for the table's rows. `toggled` are the keys of open folds and closed groups."""

    filter: str = ""
    order: str = "turn"
    folded: bool = False
    grouped: str = ""
    toggled: frozenset[int] = frozenset()

    def is_same_list(self, other: "RunsQuery") -> bool:
        """Whether another query has the same rows in the same order, except for open folds and closed groups."""
        return self._replace(toggled=other.toggled) == other


@dataclass(frozen=True)
class RunList:
    """The rows, the number of runs that match, and the config fields in which they differ.

    `telling` are the fields that distinguish a run from the others, by its config's hash and whether it is published.
    `best` are the best figures as printed, `largest` the largest figures. `constants` are the constant predictors by
    the key of their row. `is_mixed` says whether some rows with an MAE cannot be best, as most runs were scored on
    other images. Only the first list of many runs is incomplete: it has only the runs, and must be read again.
    """

    entries: Sequence[Entry] = ()
    matching: int = 0
    varying: tuple[str, ...] = ()
    telling: Mapping[tuple[str, bool], tuple[str, ...]] = field(default_factory=dict)
    best: tuple[str | None, ...] = (None,) * len(FIGURES)
    largest: tuple[float, ...] = (0.0,) * len(FIGURES)
    constants: Mapping[int, ListedConstant] = field(default_factory=dict)
    is_mixed: bool = False
    is_complete: bool = True

    def is_best(self, entry: Entry, place: int) -> bool:
        value = entry.figures[place]
        return entry.competes[place] and value is not None and number(value) == self.best[place]

    @cached_property
    def runs(self) -> frozenset[int]:
        """All matching runs, including those of closed groups."""
        return frozenset(itertools.chain.from_iterable(entry.runs for entry in self.entries))

    @cached_property
    def _places(self) -> dict[int, int]:
        """The place of each run's row; that of the run itself if its fold is open."""
        return {run: place for place, entry in enumerate(self.entries) if _is_of_runs(entry) for run in entry.runs}

    def place_of(self, run_id: int) -> int | None:
        """The place of a run's row, which may be its fold's; None if no row shows the run."""
        return self._places.get(run_id)


_RESOLVED = ("dtype", "recipe", "derived")


class _Setting:
    """A config, and the facts that decide which runs repeat it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.age_edges = str(config.get("age_edges"))
        self.seeds = seeds_of(config)
        self._keys: dict[tuple[object, ...], str] = {}

    def key(self, manifest: Mapping[str, Any] | None) -> str:
        part = () if manifest is None else (manifest["weights"]["sha256"], *map(manifest.get, _RESOLVED))
        if part not in self._keys:
            self._keys[part] = setting_key(self.config, manifest)
        return self._keys[part]


class ListReader:
    """Reads lists of runs. Remembers the newest list, and each run's unchangeable facts."""

    def __init__(self) -> None:
        self._newest: tuple[RunsQuery, int, list[ListedRun], RunList] | None = None
        self._settings: dict[str, _Setting] = {}
        self._figures: dict[int, tuple[_State, ListedFigures]] = {}
        self._manifests: dict[int, tuple[_State, Mapping[str, Any] | None]] = {}
        self._differing_of: frozenset[tuple[str, bool]] | None = None
        self._varying: tuple[str, ...] = ()
        self._telling: dict[tuple[str, bool], tuple[str, ...]] = {}
        self._keys: dict[object, int] = {}

    def read(self, store: Store, query: RunsQuery) -> RunList:
        """The rows of a query; the same object as before without commits since. Raises `AgeUIError`."""
        version, newest = store.version(), self._newest
        if newest is not None and newest[:2] == (query, version):
            return newest[3]
        listed = store.listing.order(query.filter, query.order if _figure_order(query)[0] is None else "-id")
        # Most commits bring only progress, which changes no list.
        is_same = newest is not None and newest[0] == query and newest[2] == listed
        if newest is None and len(listed) > _MANY and not query.folded and not query.grouped:
            # The first paint does not wait for all configs and figures.
            self._newest = (query, -1, [], RunList())
            return RunList([Entry("run", run.id, (run.id,)) for run in listed], len(listed), is_complete=False)
        found = newest[3] if newest is not None and is_same else self._made(store, query, listed)
        self._newest = (query, version, listed, found)
        return found

    def _made(self, store: Store, query: RunsQuery, listed: list[ListedRun]) -> RunList:
        figure, of_std, descending = _figure_order(query)
        self._read_settings(store, listed)
        self._read_figures(store, listed)
        competes = self._competing(listed)
        entries = [
            Entry("run", run.id, (run.id,), self._figures[run.id][1].figures, competes[run.id]) for run in listed
        ]
        if query.folded:
            entries = self._folded(store, listed, entries)
        constants = self._constants(store, listed)
        best = printed_best(entries)
        is_mixed = any(not entry.competes[0] and entry.figures[0] is not None for entry in entries)
        rows = [*entries, *self._constant_entries(constants)]
        largest = tuple(max(_known(rows, place), default=0.0) for place in range(len(FIGURES)))
        if figure is not None:
            rows = sorted_by(rows, figure, of_std=of_std, descending=descending)
        if query.grouped:
            rows = list(self._grouped(rows, listed, query, by_value=figure is None))
        if query.folded:
            rows = list(self._opened(rows, query.toggled))
        self._read_differences(listed)
        return RunList(rows, len(listed), self._varying, self._telling, best, largest, constants, is_mixed)

    # Known facts about each run

    def _read_settings(self, store: Store, listed: Sequence[ListedRun]) -> None:
        missing = {run.config_hash for run in listed} - self._settings.keys()
        self._settings |= {key: _Setting(config) for key, config in store.listing.configs(missing).items()}

    def _read_figures(self, store: Store, listed: Sequence[ListedRun]) -> None:
        changed = {run.id: _state(run) for run in _changed(listed, self._figures)}
        found = store.listing.figures(changed)
        self._figures |= {run_id: (changed[run_id], figures) for run_id, figures in found.items()}
        for run_id in changed.keys() - found.keys():  # it was deleted just now
            self._figures[run_id] = (
                changed[run_id],
                ListedFigures(NO_FIGURES, NO_FIGURES, None, None, None, False, None),
            )

    def _repeatable(self, store: Store, listed: Sequence[ListedRun]) -> list[Repeatable | None]:
        changed = {run.id: _state(run) for run in _changed(listed, self._manifests)}
        # The attempt that runs may have written its manifest since.
        changed |= {run.id: _state(run) for run in listed if run.status == "running"}
        found = store.listing.manifests(changed)
        self._manifests |= {run_id: (state, found.get(run_id)) for run_id, state in changed.items()}
        return [None if run.is_published else self._repeatable_run(run) for run in listed]

    def _repeatable_run(self, run: ListedRun) -> Repeatable:
        config, figures = self._settings[run.config_hash], self._figures[run.id][1]
        scored_on = (figures.images, figures.data_hash) if figures.images is not None else None
        manifest = self._manifests[run.id][1]
        arithmetic = arithmetic_of(config.config, manifest)
        return Repeatable(config.key(manifest), config.key(None), config.seeds, scored_on, arithmetic)

    def _read_differences(self, listed: Sequence[ListedRun]) -> None:
        """Reads the fields that vary, and those that distinguish each config from other measured or published runs."""
        hashes = frozenset((run.config_hash, run.is_published) for run in listed)
        if hashes == self._differing_of:
            return
        configs = [self._settings[key].config for key, _ in hashes]
        varying = differing_settings(configs) if configs else ()
        self._varying = tuple(name for name in RunConfig.model_fields if name in varying)
        self._telling = {}
        for published in (False, True):
            keys = [key for key in hashes if key[1] == published]
            texts = [{name: setting(self._settings[key].config, name) for name in varying} for key, _ in keys]
            self._telling |= dict(zip(keys, telling(texts), strict=True))
        self._differing_of = hashes

    # Rows

    def _competing(self, listed: Sequence[ListedRun]) -> dict[int, tuple[bool, ...]]:
        """The figures of each run that may be the best of their column, as in a comparison of all listed runs.

        Figures on the images that most runs share compete, unless the images selected the weights of some runs only; an
        age bias competes only with the age groups that most of these runs have.
        """
        scored = [run for run in listed if self._figures[run.id][1].images is not None]
        found = dict.fromkeys((run.id for run in listed), NEVER)
        if not scored:
            return found
        images = _most(self._figures[run.id][1].images for run in scored)
        same = [run for run in scored if self._figures[run.id][1].images == images]
        same = [run for run in same if not self._figures[run.id][1].is_selected] or same
        edges = _most(self._settings[run.config_hash].age_edges for run in same)
        for run in same:
            found[run.id] = _ALL if self._settings[run.config_hash].age_edges == edges else _ALL_BUT_AGE
        return found

    def _folded(self, store: Store, listed: Sequence[ListedRun], entries: Sequence[Entry]) -> list[Entry]:
        runs = self._repeatable(store, listed)
        return [
            self._fold(sorted(((runs[place].seeds, listed[place], entries[place]) for place in places), key=_by_seed))  # type: ignore[union-attr]
            if len(places) > 1
            else entries[places[0]]
            for places in repeats(runs)
        ]

    def _fold(self, members: Sequence[tuple[Seeds, ListedRun, Entry]]) -> Entry:
        """A row of means over seeds, which are untested, as that needs the predictions."""
        scored = [(entry, known) for _, run, entry in members if (known := self._figures[run.id][1]).images is not None]
        figures = [mean_and_std(values) for values in zip(*(entry.figures for entry, _ in scored), strict=True)]
        means, stds = zip(*figures, strict=True) if figures else (Entry("fold", 0, ()).figures,) * 2
        ids = tuple(run.id for _, run, _ in members)
        return Entry(
            "fold",
            -ids[0],
            ids,
            means,
            tuple(map(all, zip(*(entry.competes for entry, _ in scored), strict=True))) if scored else NEVER,
            stds,
            len(scored),
            tuple(run.status for _, run, _ in members),
            bool(scored) and all(_is_no_better(known) for _, known in scored),
            tuple(map(_least, zip(*(known.p_values for _, known in scored), strict=True))) if scored else NO_FIGURES,
        )

    def _opened(self, rows: Iterable[Entry], toggled: frozenset[int]) -> Iterable[Entry]:
        for entry in rows:
            if entry.kind != "fold" or entry.key not in toggled:
                yield entry
                continue
            yield entry._replace(is_open=True)
            for run_id in entry.runs:
                yield Entry("run", run_id, (run_id,), self._figures[run_id][1].figures, depth=1)

    def _constants(self, store: Store, listed: Sequence[ListedRun]) -> dict[int, ListedConstant]:
        """The constant predictors of the runs, one per data set and split."""
        distinct: dict[tuple[object, ...], int] = {}
        for run in listed:
            known = self._figures[run.id][1]
            if known.constant_mae is not None and known.images is not None:
                edges = self._settings[run.config_hash].age_edges
                distinct.setdefault((known.images, known.constant_mae, edges), run.id)
        found = store.listing.constants(distinct.values()) if distinct else []
        return {self._key(("constant", constant)): constant for constant in dict.fromkeys(found)}

    def _constant_entries(self, constants: Mapping[int, ListedConstant]) -> list[Entry]:
        among = list(constants.values())
        return [
            Entry("constant", key, (), constant.figures, title=constant_name(constant, among))
            for key, constant in constants.items()
        ]

    def _grouped(
        self, rows: Sequence[Entry], listed: Sequence[ListedRun], query: RunsQuery, *, by_value: bool
    ) -> Iterable[Entry]:
        """The rows below a heading per value of a config field; constants, which have no value, come last.

        A folded row is listed under all values of its runs, such as `0,1,2` for seeds. Groups are ordered by their
        values, or by their first row if that is best.
        """
        hashes = {run.id: run.config_hash for run in listed}
        groups: dict[str, list[Entry]] = {}
        values: dict[str, Any] = {}
        for entry in rows:
            if entry.kind == "constant":
                continue
            configs = [self._settings[hashes[run_id]].config for run_id in entry.runs]
            text = ",".join(dict.fromkeys(setting(config, query.grouped) for config in configs))
            groups.setdefault(text, []).append(entry)
            values.setdefault(text, configs[0].get(query.grouped))
        for text in sorted(groups, key=lambda text: _natural(values[text])) if by_value else groups:
            key = self._key(("group", query.grouped, text))
            is_open = key not in query.toggled
            yield _heading(key, text, groups[text])._replace(is_open=is_open)
            yield from groups[text] if is_open else ()
        yield from (entry for entry in rows if entry.kind == "constant")

    def _key(self, what: object) -> int:
        """A key for a row other than a run, stable for the reader's lifetime."""
        return self._keys.setdefault(what, _FIRST_KEY - len(self._keys))


def _figure_order(query: RunsQuery) -> tuple[int | None, bool, bool]:
    """The place of the figure by which rows are sorted, if any, whether by its deviation, and whether descending."""
    name = query.order.removeprefix("-")
    figure = without_std(name)
    place = FIGURES.index(figure) if figure in FIGURES else None
    return place, name != figure and query.folded, query.order.startswith("-")


def _heading(key: int, title: str, entries: Sequence[Entry]) -> Entry:
    """The heading of a group: its runs, the means of competing figures, and the best MAE among them."""
    fair = [
        [entry.figures[place] for entry in entries if entry.competes[place] and not is_missing(entry.figures[place])]
        for place in range(len(FIGURES))
    ]
    return Entry(
        "heading",
        key,
        tuple(itertools.chain.from_iterable(entry.runs for entry in entries)),
        tuple(mean_and_std(values)[0] for values in fair),
        scored=len(fair[0]),
        title=title,
        best=min((value for value in fair[0] if value is not None), default=None),
    )


def _is_no_better(known: ListedFigures) -> bool:
    mae = known.figures[0]
    return known.constant_mae is not None and mae is not None and not mae < known.constant_mae


def _least(p_values: Sequence[float | None]) -> float | None:
    known = [value for value in p_values if value is not None]
    return min(known) if len(known) == len(p_values) else None


def _state(run: ListedRun) -> _State:
    return run.status, run.attempt, run.split, run.mae, run.p


def _changed(listed: Iterable[ListedRun], known: Mapping[int, tuple[_State, object]]) -> Iterable[ListedRun]:
    """The runs whose state changed since they were read."""
    return (run for run in listed if (before := known.get(run.id)) is None or before[0] != _state(run))


def _known(rows: Iterable[Entry], place: int) -> Iterable[float]:
    return (value for row in rows if (value := row.figures[place]) is not None and value < float("inf"))


def _most(values: Iterable[object]) -> object:
    return Counter(values).most_common(1)[0][0]


def _by_seed(member: tuple[Seeds, ListedRun, Entry]) -> Seeds:
    return member[0]


def _natural(value: Any) -> tuple[object, ...]:
    """A sort key: numbers by size and before texts, lists by their items."""
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(
        (0, item, "") if isinstance(item, int | float) else (1, 0.0, str(item)) if item is not None else (2, 0.0, "")
        for item in items
    )


def _is_of_runs(entry: Entry) -> bool:
    return entry.kind in ("run", "fold")
