"""A study's table as lines of text, the same for the terminal and for every format that people read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ageui.compare.formats.wording import NOISE, NOTHING, PUBLISHED, change
from ageui.study.matching import ENDED_WITH_FIGURES, FURTHEST_FIRST
from ageui.study.ranking import Agreement
from ageui.study.table import CellRow, Figure, StudyTable
from ageui.study.variants import describe
from ageui.text.sentences import counted

_TITLES = {"mae": "MAE", "val_loss": "val loss"}
_STATES_SAID = tuple(state for state in FURTHEST_FIRST if state not in ENDED_WITH_FIGURES)


@dataclass(frozen=True)
class Line:
    """A line: the cell, named on its first line only, what the figures are, and a text for each figure.

    `starts` a new cell; a `measured` line holds what stands out.
    """

    cell: str
    what: str
    figures: tuple[str, ...]
    starts: bool = True
    measured: bool = False

    def is_strong(self, text: str) -> bool:
        """Whether one of its figures stands out: a measured one that there is."""
        return self.measured and text not in ("", NOTHING)


def heads(table: StudyTable) -> list[str]:
    """The titles of columns: the cell, what a line holds of it (no title), then the figures."""
    return ["cell", "", *map(figure_title, table.study.figures)]


def figure_title(name: str) -> str:
    """A figure in a head: `MAE` for `mae`; attributes as they are named."""
    return _TITLES.get(name, name)


def lines(table: StudyTable) -> list[Line]:
    """Of every cell the published, the measured figures and their difference, then the constant, then the rankings."""
    names = table.study.figures
    return [line for row in table.rows for line in _cell_lines(row, names)] + closing_lines(table)


def closing_lines(table: StudyTable) -> list[Line]:
    """Below the cells: the constant, then the rankings, as far as there are any."""
    names = table.study.figures
    found: list[Line] = []
    if table.constant:
        values = tuple(figure_text(name, table.constant.get(name)) for name in names)
        found.append(Line("constant", "always the train mean", values))
    agreements = [table.agreement.get(name) for name in names]
    if any(one is not None and one.rho is not None for one in agreements):
        found.append(Line("ranking", "Spearman's ρ (n)", tuple(map(_rho, agreements))))
        found.append(Line("", "95% interval", tuple(map(_rho_interval, agreements)), starts=False))
    return found


def headline(table: StudyTable) -> str:
    """What was measured: `measured on appa-real · resnet50 · …, seeds 0–4`; that nothing was, where nothing was."""
    if table.variant is None:
        return "nothing of it was measured with these settings" if table.others else "nothing of it was measured yet"
    begun = "measured" if table.measured_cells else "begun"
    about = describe(table.study, table.variant, table.variants)
    return f"{begun} on {about} · {seeds_text(table.seeds)}{_on_split(table)}"


def legend(table: StudyTable) -> list[str]:
    """What the marks and units mean, then the study's notes."""
    years = "MAE and biases in years" if table.study.measures == "scores" else "losses on ages divided by 100"
    found = [f"{years}; measured: mean ± standard deviation over (n) seeds; difference: measured − published"]
    if any(row.cell.published for row in table.rows):
        found.append(f"{PUBLISHED} published: nobody here measured it")
    shown = [figure for row in table.rows for figure in row.figures.values()]
    if any(figure.interval is not None for figure in shown):
        found.append("95% interval: over images, the mean of those of the seeds' runs")
    if any(figure.inside_noise for figure in shown):
        found.append(f"{NOISE} inside noise: no larger than chance alone would make it (95%)")
    if any(one.rho is not None for one in table.agreement.values()):
        found.append(
            "ranking: Spearman's ρ of the measured with the published order of cells (1 the same, −1 reversed), with "
            "Fisher's interval (Bonett and Wright's error), which covers the choice of cells and not the seeds"
        )
    return found + list(table.notes)


def figure_text(name: str, value: float | None) -> str:
    """Years with two decimals, losses with four decimals, minutes with one decimal."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}"
    match name:
        case "val_loss":
            return f"{value:.4f}"
        case "minutes":
            return f"{value:.1f}"
        case _:
            return f"{value:.2f}"


def published_text(name: str, value: float | None) -> str:
    """A published figure: losses with the three decimals that the report prints."""
    return f"{value:.3f}" if name == "val_loss" and value is not None else figure_text(name, value)


def measured_text(name: str, figure: Figure) -> str:
    """`8.31 ±0.12 (5)`: mean, standard deviation, seeds; `~` before a bias inside noise."""
    if figure.measured is None:
        return NOTHING
    mark = f"{NOISE} " if figure.inside_noise else ""
    spread = "" if figure.std is None else f" ±{figure_text(name, figure.std)}"
    return f"{mark}{figure_text(name, figure.measured)}{spread} ({figure.n})"


def interval_text(name: str, figure: Figure) -> str:
    """`7.90–8.72`; nothing where there is none."""
    interval = figure.interval
    return f"{figure_text(name, interval.low)}–{figure_text(name, interval.high)}" if interval is not None else ""


def difference_text(name: str, difference: float | None) -> str:
    """A signed difference, with a minus that cannot be taken for a hyphen; nothing where there is none."""
    if difference is None:
        return ""
    if not math.isfinite(difference):
        return change(difference)
    sign = "−" if difference < 0 else "+"
    return sign + figure_text(name, abs(difference))


def progress_text(row: CellRow) -> str:
    """`2 running, 1 queued`; nothing where nothing is left to wait for."""
    return ", ".join(f"{row.progress[state]} {state}" for state in _STATES_SAID if row.progress.get(state))


def seeds_text(seeds: Sequence[int]) -> str:
    """`seed 0`, `seeds 0–4`, `seeds 0, 3`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]}–{seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds))}"


def others_text(table: StudyTable) -> list[str]:
    """The other variants that have runs, a line each."""
    return [
        f"{describe(table.study, variant, table.variants)}: {counted(cells, 'cell')}" for variant, cells in table.others
    ]


def _cell_lines(row: CellRow, names: Sequence[str]) -> list[Line]:
    figures = [(name, row.figures[name]) for name in names]
    found: list[Line] = []

    def add(what: str, texts: tuple[str, ...], *, measured: bool = False) -> None:
        found.append(Line("" if found else row.cell.label, what, texts, starts=not found, measured=measured))

    if row.cell.published:
        add(f"{PUBLISHED} published", tuple(published_text(name, figure.published) for name, figure in figures))
    waiting = progress_text(row)
    if row.is_measured:
        texts = tuple(measured_text(name, figure) for name, figure in figures)
        add(f"measured{f', {waiting}' if waiting else ''}", texts, measured=True)
        if any(figure.interval is not None for _, figure in figures):
            add("95% interval", tuple(interval_text(name, figure) for name, figure in figures))
        differences = {name: row.difference(name) for name in names}
        if any(one is not None for one in differences.values()):
            add("difference", tuple(difference_text(name, one) for name, one in differences.items()))
    elif row.cell.unknown is not None:
        add("cannot be run", ("",) * len(names))
    else:
        add(waiting or "not run", (NOTHING,) * len(names))
    return found


def _on_split(table: StudyTable) -> str:
    return f" · {table.split} split" if table.split is not None else ""


def _rho(one: Agreement | None) -> str:
    if one is None:
        return ""
    return NOTHING if one.rho is None else f"{_signed(one.rho)} ({one.n})"


def _rho_interval(one: Agreement | None) -> str:
    if one is None or one.interval is None:
        return "" if one is None else NOTHING
    return f"{_signed(one.interval.low)} to {_signed(one.interval.high)}"


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
