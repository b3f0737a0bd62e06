"""A study's table: published and measured figures, the progress of each cell, and the agreement of rankings."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ageui.compare.averaged_scores import Averages, Training, averaged_scores
from ageui.compare.seeds import mean_and_spread
from ageui.present.marks import APART
from ageui.store import MeasuredRun, SplitFigures, Store
from ageui.study.matching import Matched, NormalizedRun, has_figures, matched, normalized_runs
from ageui.study.rank_agreement import Agreement, agreement
from ageui.study.study import Study, StudyCell
from ageui.study.variants import (
    NO_CHOICE,
    REPORT,
    Choice,
    Variant,
    cell_config,
    is_on_own_data,
    name_of,
    normal_form,
    own_and_shared,
)
from engine.choices import SPLIT_PREFERENCE, SPLITS
from engine.config import PRESETS
from engine.errors import ConfigError
from engine.image_errors import ImageErrors
from engine.split_result import LEVEL, Figure, GapFigure, Interval

UNCOMPARED = ("minutes",)
"""Figures that are shown but not compared, because they depend on the hardware."""
_OTHER_DATA = f"{APART} These runs are on other data than the published figures, so they are not compared."


@dataclass(frozen=True)
class StudyFigure:
    """One figure of one cell: the published value, and mean and sample standard deviation over `n` measured seeds.

    `interval` (95%, over images) and `p_value` (of no difference between groups) are those of the run. Over several
    seeds, they are of the errors of each image averaged over the runs, and unknown until `with_tests` computes them.
    """

    published: float | None
    measured: float | None
    std: float | None
    n: int
    interval: Interval | None = None
    p_value: float | None = None

    @property
    def inside_noise(self) -> bool:
        """Whether the figure cannot be told from no bias; False if unknown."""
        return self.measured is not None and self.p_value is not None and self.p_value > LEVEL


@dataclass(frozen=True)
class CellRow:
    """A cell with its `figures` and signed gaps by name, the ids of its `runs` by seed, and the number of runs in each
    state. `scores` are those of its ended runs, by seed; `unscored` counts those that diverged without any. Runs on
    other data than the published figures are not `comparable` with them. `pretraining` is the sentence of
    `engine.pretraining` on the first weights of its ended runs."""

    cell: StudyCell
    figures: Mapping[str, StudyFigure]
    runs: Mapping[int, int]
    progress: Mapping[str, int]
    scores: tuple[SplitFigures, ...] = ()
    unscored: int = 0
    comparable: bool = True
    pretraining: str | None = None

    @property
    def is_measured(self) -> bool:
        """Whether the cell has any measured figure."""
        return any(figure.measured is not None for figure in self.figures.values())

    @property
    def is_selected(self) -> bool:
        """Whether the images chose weights that are scored on them, which makes the scores too good."""
        return any(scores.is_selected for scores in self.scores)

    def difference(self, name: str) -> float | None:
        """The measured minus the published figure; None if either is missing or they cannot be compared."""
        figure = self.figures[name]
        if not self.comparable or name in UNCOMPARED or figure.measured is None or figure.published is None:
            return None
        return figure.measured - figure.published


@dataclass(frozen=True)
class StudyTable:
    """A study beside the runs of one variant; `variant` is None if no run fits the choice.

    Scores are those of `split`, None if the study measures no scores. `constant` holds the figures of the predictor
    that always says the train mean, and `constant_p_values` their tests of no bias, which `with_tests` computes.
    `agreement` compares the published and the measured ranking of cells by figure.
    `others` are the other variants with runs, each with its number of measured cells. `splits` are those with scores.
    `notes` are on the published figures; `warnings` are on the measured ones.
    """

    study: Study
    variant: Variant | None
    split: str | None
    rows: tuple[CellRow, ...]
    constant: Mapping[str, float]
    agreement: Mapping[str, Agreement]
    notes: tuple[str, ...]
    others: tuple[tuple[Variant, int], ...]
    splits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    constant_p_values: Mapping[str, float | None] = field(default_factory=dict)

    @cached_property
    def variant_name(self) -> str:
        """The short name of the shown variant; empty without runs. Reads settings files once."""
        return "" if self.variant is None else name_of(self.study, self.variant, self.variants)

    @property
    def is_comparable(self) -> bool:
        """Whether the runs are on the data of the published figures."""
        return all(row.comparable for row in self.rows)

    @property
    def shown_figures(self) -> tuple[str, ...]:
        """The study's figures, and MAE and biases if runs have scores."""
        return self.study.all_figures if self.splits else self.study.figures

    @property
    def variants(self) -> tuple[Variant, ...]:
        """All variants with runs, the shown one first."""
        shown = (self.variant,) if self.variant is not None else ()
        return (*shown, *(variant for variant, _ in self.others))

    @property
    def is_selected(self) -> bool:
        """Whether the images of the split chose weights that are scored on them."""
        return any(row.is_selected for row in self.rows)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of all cells."""
        return tuple(sorted({seed for row in self.rows for seed in row.runs}))

    @property
    def measured_cells(self) -> int:
        """The number of cells with a measured figure."""
        return sum(row.is_measured for row in self.rows)


def study_table(
    study: Study,
    store: Store | None,
    choice: Choice = NO_CHOICE,
    *,
    variant: Variant | None = None,
    split: str | None = None,
    runs: Sequence[NormalizedRun] | None = None,
) -> StudyTable:
    """The table of one variant of a study.

    The variant is `variant` if it has runs, else the variant with the most measured cells that fits the choice,
    preferably on the study's own data. If the choice names settings or data, data as registered now takes precedence
    over data of the same name with another description.
    `runs` are the store's `normalized_runs` if the caller has already read them. Without a store, nothing is measured.
    Raises `ConfigError` for an invalid choice and an unknown split.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    if runs is None:
        runs = normalized_runs(store) if store is not None else ()
    every = matched(study, runs)
    fitting = [one for one in every if one.variant == variant] or _fitting(study, choice, every, store)
    chosen = fitting[0] if fitting else None
    others = tuple((one.variant, one.measured_cells) for one in every if one is not chosen)
    by_cell = {cell.name: chosen.of(cell.name) if chosen else {} for cell in study.cells}
    ended = [run for own in by_cell.values() for run in own.values() if has_figures(run)]
    scores = store.scores.split_figures([run.id for run in ended]) if store is not None else []
    shown = _shown_split(scores, split)
    on_split = {one.run_id: one for one in scores if one.split == shown}
    comparable = chosen is None or not study.has_published or is_on_own_data(study, chosen.variant)
    rows = tuple(_row(study, cell, by_cell[cell.name], on_split, comparable) for cell in study.cells)
    compared = [figure for figure in study.figures if figure not in UNCOMPARED]
    return StudyTable(
        study=study,
        variant=chosen.variant if chosen else None,
        split=shown,
        rows=rows,
        constant=_constant(study, list(on_split.values())),
        agreement={figure: _agreement(figure, rows) for figure in compared},
        notes=(*study.notes, *_cell_notes(study)),
        others=others,
        warnings=(
            *([] if comparable else [_OTHER_DATA]),
            *_warnings(list(on_split.values()), ended, scores),
        ),
        splits=tuple(name for name in SPLIT_PREFERENCE if any(one.split == name for one in scores)),
    )


def with_tests(table: StudyTable, store: Store, known: Averages) -> StudyTable:
    """The table with intervals and tests of cells over several seeds, where all runs have predictions, and with tests
    of the constant predictor.

    That takes a moment for each of these. `known` are the results of earlier calls; new ones are added.
    """
    rows = tuple(_tested(row, store, known) for row in table.rows)
    return replace(table, rows=rows, constant_p_values=_tests_of_constant(table, store, known))


def _tests_of_constant(table: StudyTable, store: Store, known: Averages) -> dict[str, float | None]:
    """The p-values of the constant predictor's biases by figure; empty without predictions."""
    first = min((one for row in table.rows for one in row.scores), key=lambda one: one.run_id, default=None)
    if first is None or first.constant_age is None:
        return {}
    age, of_run = first.constant_age, first

    def load() -> list[ImageErrors | None]:
        errors = store.scores.errors(of_run.run_id, of_run.split)
        return [errors and errors.of_constant(age)]

    found = averaged_scores((Training(first.run_id, first.images, first.constant["mae"]),), load, known)
    figures = {name: found.figure(name) for name in table.constant} if found is not None else {}
    return {name: figure.p_value for name, figure in figures.items() if isinstance(figure, GapFigure)}


def _tested(row: CellRow, store: Store, known: Averages) -> CellRow:
    if len(row.scores) < 2:
        return row
    trainings = tuple(Training(one.run_id, one.images, one.figures["mae"]) for one in row.scores)
    found = averaged_scores(
        trainings, lambda: [store.scores.errors(one.run_id, one.split) for one in row.scores], known
    )
    if found is None:
        return row
    return replace(row, figures={name: _with_test(figure, found.figure(name)) for name, figure in row.figures.items()})


def _with_test(figure: StudyFigure, averaged: Figure | None) -> StudyFigure:
    """The figure of a mean over seeds with the interval and test of averaged errors."""
    if averaged is None or figure.measured is None:
        return figure
    p_value = averaged.p_value if isinstance(averaged, GapFigure) else None
    interval = averaged.interval
    if interval is not None:
        # A mean of biases is above the bias of mean errors where seeds favour different groups.
        interval = Interval(interval.low, max(interval.high, figure.measured))
    return replace(figure, interval=interval, p_value=p_value)


def _fitting(study: Study, choice: Choice, every: Sequence[Matched], store: Store | None) -> list[Matched]:
    """The variants that have the chosen settings, and all other fields of the chosen preset."""
    named = [*choice.settings, *(["data"] if choice.data is not None else [])]
    if choice.preset is None and not named:
        return list(every)
    expected = _expected(study, choice)
    fitting = []
    for one in every:
        for normal in expected:
            names = [name for name in {**normal, **one.variant.normal} if name not in ("data", "precision")]
            asked = [*names, *named] if choice.preset is not None else named
            if all(one.variant.normal.get(name) == normal.get(name) for name in asked):
                fitting.append(one)
                break
    return _registered_first(fitting, store)


def _registered_first(fitting: Sequence[Matched], store: Store | None) -> list[Matched]:
    """Moves the variant with the settings of the first, on the data as registered now, to the front."""
    if not fitting or store is None:
        return list(fitting)
    normal = fitting[0].variant.normal
    registered = next((spec for spec in store.data.all() if spec.name == normal["data"]), None)
    now = Variant(normal, registered.model_dump(mode="json")) if registered is not None else None
    return sorted(fitting, key=lambda one: one.variant != now)


def _expected(study: Study, choice: Choice) -> list[dict[str, object]]:
    """The normal forms that fit a choice: one for the chosen preset, or one for every preset."""
    presets = [choice.preset] if choice.preset is not None else [REPORT, *(name for name in PRESETS if name != REPORT)]
    found, problem = [], None
    for preset in presets:
        tried = replace(choice, preset=preset)
        try:
            config = cell_config(study, study.trained[0], tried, registered=(), cuda_available=lambda: False)
        except ConfigError as error:
            problem = error
            continue
        found.append(dict(own_and_shared(study, normal_form(config.model_dump()))[1]))
    if not found and problem is not None:
        raise problem
    return found


def _shown_split(scores: Sequence[SplitFigures], split: str | None) -> str | None:
    """The requested split, else the first of test, valid, train that all scored runs have, else that any has."""
    if split is not None or not scores:
        return split
    runs = {one.run_id for one in scores}
    having = {name: {one.run_id for one in scores if one.split == name} for name in SPLIT_PREFERENCE}
    return next((name for name in SPLIT_PREFERENCE if having[name] == runs), None) or next(
        name for name in SPLIT_PREFERENCE if having[name]
    )


def _row(
    study: Study,
    cell: StudyCell,
    runs: Mapping[int, MeasuredRun],
    scores: Mapping[int, SplitFigures],
    comparable: bool,
) -> CellRow:
    ended = [run for run in runs.values() if has_figures(run)]
    names = (*study.all_figures, *study.signed_gaps.values())
    figures = {name: figure_of(name, cell.published.get(name), ended, scores) for name in names}
    progress = Counter(run.status for run in runs.values())
    own = tuple(found for run in ended if (found := scores.get(run.id)) is not None)
    unscored = progress["diverged"] - sum(run.status == "diverged" for run in ended)
    ids = {seed: run.id for seed, run in runs.items()}
    pretraining = next((run.pretraining for run in ended if run.pretraining), None)
    return CellRow(cell, figures, ids, dict(progress), own, unscored, comparable, pretraining)


def figure_of(
    name: str, published: float | None, runs: Sequence[MeasuredRun], scores: Mapping[int, SplitFigures]
) -> StudyFigure:
    """One figure of a cell from its ended runs; `scores` are their scores on the split, by run id."""
    found = [
        (value, scores.get(run.id)) for run in runs if (value := _value(name, run, scores.get(run.id))) is not None
    ]
    if not found:
        return StudyFigure(published, None, None, 0)
    mean, spread = mean_and_spread([value for value, _ in found])
    alone = found[0][1] if len(found) == 1 else None
    ends = alone.intervals.get(name) if alone is not None else None
    p_value = alone.p_values.get(name) if alone is not None else None
    return StudyFigure(published, mean, spread.std, spread.n, Interval(*ends) if ends else None, p_value)


def _value(name: str, run: MeasuredRun, scores: SplitFigures | None) -> float | None:
    match name:
        case "val_loss":
            return run.best_val_loss
        case "minutes":
            return None if run.seconds is None else run.seconds / 60
        case _:
            return scores.figures.get(name) if scores else None


def _constant(study: Study, scores: Sequence[SplitFigures]) -> dict[str, float]:
    found = scores[0].constant if scores else {}
    return {name: value for name in study.all_figures if (value := found.get(name)) is not None}


def _agreement(name: str, rows: Sequence[CellRow]) -> Agreement:
    figures = [row.figures[name] for row in rows]
    pairs = [(one.measured, one.published) for one, row in zip(figures, rows, strict=True) if row.comparable]
    both = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    return agreement([ours for ours, _ in both], [theirs for _, theirs in both])


def _cell_notes(study: Study) -> list[str]:
    notes = [f"{cell.label}: {cell.note}" for cell in study.cells if cell.note]
    return notes + [f"{cell.label}: not run, as {cell.unknown}" for cell in study.cells if cell.unknown]


def _warnings(shown: Sequence[SplitFigures], ended: Sequence[MeasuredRun], scores: Sequence[SplitFigures]) -> list[str]:
    notes = []
    if len({one.images for one in shown}) > 1:
        notes.append("The cells were scored on different images, so their figures cannot be compared.")
    if without := len({one.run_id for one in scores} - {one.run_id for one in shown}):
        notes.append(f"{without} of the runs have no scores on this split.")
    if odd := [run.name for run in ended if run.best_val_loss is not None and not math.isfinite(run.best_val_loss)]:
        notes.append(f"No finite validation loss: {', '.join(odd)}.")
    found = {run.pretraining for run in ended if run.pretraining}
    notes += [f"{note[:1].upper()}{note[1:]}." for note in sorted(found)]
    if diverged := [run.name for run in ended if run.status == "diverged"]:
        notes.append(f"Diverged, scored with weights kept before that: {', '.join(diverged)}.")
    return notes
