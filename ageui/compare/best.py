"""The best setting within limits on other figures, such as the least MAE at a price in bias."""

import operator
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ageui.compare.comparison import ComparedRow, Comparison
from ageui.compare.figure_names import better, figure_name
from ageui.compare.measures import Value, front_by, losses, values_of
from ageui.compare.ranking import fair_places
from ageui.present.figures import number
from ageui.present.table import Cell
from ageui.present.wording import uncertainty
from ageui.text.sentences import counted
from engine.errors import ConfigError

CONFIRMING_SEEDS: Final = 5
"""The number of seeds that repeat a setting chosen by its own figures."""
ENDED_WITHOUT_SCORES: Final = ("failed", "cancelled")
_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """A bound on a figure, as in `age<=3`; `figure` is the name of a column."""

    figure: str
    operator: str
    value: float

    def __str__(self) -> str:
        return f"{figure_name(self.figure)} {self.operator} {self.value:g}"

    def holds(self, value: Value) -> bool:
        return isinstance(value, float) and _HOLDS[self.operator](value, self.value)


@dataclass(frozen=True)
class Best:
    """The goal: the best `figure` within `limits`."""

    figure: str
    limits: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, figure: str, limits: str = "") -> "Best":
        """The goal in words: `mae` and `age-bias<=3 gender<1`. Raises `ConfigError`."""
        from ageui.store.filters import parse

        name = _column(figure)
        if better(name) is None:
            raise ConfigError(f"--best {figure}: neither low nor high values of this figure are better; choose another")
        found = []
        for term in parse(limits):
            try:
                if term.field is None or term.operator not in _HOLDS:
                    raise ValueError
                found.append(Limit(_column(term.field), term.operator, float(term.value)))
            except ValueError:
                raise ConfigError(
                    f"--where {limits}: write FIGURE<=NUMBER, as in age-bias<=3, with <, <=, > or >="
                ) from None
        return cls(name, tuple(found))

    @property
    def figures(self) -> tuple[str, ...]:
        """The figure and those with limits."""
        return tuple(dict.fromkeys((self.figure, *(limit.figure for limit in self.limits))))

    def __str__(self) -> str:
        direction = "highest" if better(self.figure) == "high" else "lowest"
        limits = " and ".join(map(str, self.limits))
        return f"{direction} {figure_name(self.figure)}" + (f" with {limits}" if limits else "")


@dataclass(frozen=True)
class Found:
    """The settings of a comparison that a goal selects: `winner` is None if no setting keeps the limits.

    `front` are the rows on the Pareto front of `front_figures`: those of the goal, or MAE and biases if there are no
    limits. `among` counts the settings that could win.
    """

    winner: ComparedRow | None
    front: tuple[ComparedRow, ...]
    front_figures: tuple[str, ...]
    among: int


def find_best(comparison: Comparison, best: Best) -> Found:
    """The setting that reaches a goal, by means over seeds where a setting has several.

    Raises `ConfigError` if the comparison lacks a figure of the goal.
    """
    for name in best.figures:
        if name not in comparison.columns:
            raise ConfigError(f"unknown figure {name!r}; choose from {', '.join(comparison.columns)}")
    rows, ranks = comparison.rows, losses(comparison, best.figure)
    values = [values_of(comparison, limit.figure) for limit in best.limits]
    known = [losses(comparison, name) for name in best.figures]
    competing = [place for place in fair_places(rows) if all(one[place] is not None for one in known)]
    keeping = [
        place
        for place in competing
        if all(limit.holds(own[place]) for limit, own in zip(best.limits, values, strict=True))
    ]
    keeping.sort(key=lambda place: ranks[place] or 0.0)
    front_figures = best.figures if best.limits else tuple(dict.fromkeys((*best.figures, *comparison.ranked_over)))
    is_on_front = front_by(comparison, *front_figures)
    on_front = sorted((place for place in competing if is_on_front[place]), key=lambda place: ranks[place] or 0.0)
    winner = rows[keeping[0]] if keeping else None
    return Found(winner, tuple(rows[place] for place in on_front), front_figures, len(competing))


def best_first(comparison: Comparison, best: Best, confirming: Mapping[int, str]) -> Comparison:
    """The comparison with only the rows that matter for a goal.

    In this order: the winner, the rest of the front, repeated settings, the baseline, and constants. The answer names
    the winner and the front.

    Parameters
    ----------
    comparison
        A comparison with folded seeds.
    best
        The goal.
    confirming
        The status of the runs that repeat a setting chosen by its figures, by id.
    """
    found = find_best(comparison, best)
    rows = [row for row in (found.winner, *found.front) if row is not None]
    rows += [row for row in comparison.rows if row.is_baseline or row.kind != "run" or is_confirmed(row, confirming)]
    shown = tuple({(row.kind, row.name, row.runs): row for row in rows}.values())
    answer = [_sentence(comparison, best, found, confirming)]
    if found.front:
        names = ", ".join(row.name for row in found.front)
        answer.append(f"Pareto front of {', '.join(map(figure_name, found.front_figures))}: {names}")
    winner = found.winner.runs if found.winner is not None else ()
    return replace(comparison, rows=shown, winner=winner, answer=tuple(answer))


def is_confirmed(row: ComparedRow, confirming: Collection[int]) -> bool:
    """Whether all runs behind a row repeat a setting that earlier runs chose."""
    return bool(row.runs) and all(run_id in confirming for run_id in row.runs)


def _sentence(comparison: Comparison, best: Best, found: Found, confirming: Mapping[int, str]) -> str:
    winner, among = found.winner, counted(found.among, "setting")
    if winner is None and not found.among:
        return "no run has the figures to choose by"
    if winner is None:
        return f"none of {among} has {' and '.join(map(str, best.limits))}"
    cells = dict(zip(comparison.columns, winner.cells, strict=True))
    figures = ", ".join(f"{figure_name(name)} {_text(cells[name])}" for name in best.figures)
    told = f"{best}: {winner.name}, {figures}"
    if is_confirmed(winner, confirming):
        repeated = sum(is_confirmed(row, confirming) for row in comparison.rows)
        chosen = f"chose it among {repeated} repeated settings" if repeated > 1 else "did not choose it"
        return f"{told}, over seeds that {chosen}; the images did, among {among}"
    luck = f"{told}; these figures chose it among {among}, so they are too good"
    repeats = [confirming[run_id] for run_id in winner.runs if run_id in confirming]
    again = f"ageui compare --best … --confirm repeats it with {CONFIRMING_SEEDS} other seeds"
    if all(status in ENDED_WITHOUT_SCORES for status in repeats):
        counts = " and ".join(f"{number} {status}" for status, number in Counter(repeats).items())
        return f"{luck}; {f'its repeats have no scores ({counts}), see ageui logs; ' if repeats else ''}{again}"
    if winner.is_baseline:
        return f"{luck}; as the baseline, it keeps the seeds that chose it"
    return f"{luck}; its repeats are not done yet, see ageui queue"


def _text(cell: Cell) -> str:
    return " ".join(filter(None, (number(cell.value, cell.unit), uncertainty(cell) if cell.spread else "")))


def _column(name: str) -> str:
    """The column of a figure by its name in any form: `age` for `age-bias`, `gender_worst` for `gender-worst`."""
    return name.lower().replace("-", "_").removesuffix("_bias")
