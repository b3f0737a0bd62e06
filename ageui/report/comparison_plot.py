"""A plot of a comparison as a file: one figure by another, a point per row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ageui.compare import ComparedRow, Comparison
from ageui.compare.comparison import MAE
from ageui.compare.measures import (
    PLOT_FORMATS,
    RANK,
    SEEDS,
    front_by,
    is_main,
    measure_names,
    measure_title,
    measure_unit,
    values_of,
)
from ageui.present.formats import refuse_format
from ageui.report.drawing import INK, draw, draw_pdf
from ageui.report.plots import COLORS, marker_of, short_label
from engine.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = (6.0, 4.2)
_AGE = "age"
_LABELLED = 14
"""The most rows that all have their name; of more, those on the front do."""
_ROOM = (5.2 * 72, 3.4 * 72)
_LETTERS = 7.0
_LETTER_WIDTH = 0.58
"""About how wide and high the plane is and how large letters are, in points, and the width of a letter as a share."""


def comparison_plot(comparison: Comparison, format: str, axes: str | None = None) -> bytes:
    """The rows of a comparison as points, with their intervals or spread over seeds and the Pareto front.

    Constant predictors are left out: they are far from all runs.

    Parameters
    ----------
    comparison
        What `compare` returns.
    format
        `svg` or `pdf`.
    axes
        The figures or fields across and up, as `mae,gender`; by default MAE and the age bias, else the first bias.

    Returns
    -------
    bytes
        The file. Equal comparisons give equal bytes.

    Raises
    ------
    ConfigError
        If a name is unknown or holds no numbers, or if no row has both values.
    """
    refuse_format(format, PLOT_FORMATS)
    x, y = _named(comparison, axes) if axes is not None else _default_axes(comparison)
    across, up = _numbers(comparison, x), _numbers(comparison, y)
    is_on_front = front_by(comparison, x, y)
    points = {
        place: (at, height)
        for place, (row, at, height) in enumerate(zip(comparison.rows, across, up, strict=True))
        if row.runs and at is not None and height is not None
    }
    if not points:
        raise ConfigError(f"no row has both {measure_title(comparison, x)} and {measure_title(comparison, y)}")
    title = f"{_titled(comparison, y)} by {_titled(comparison, x)}"

    def paint(figure: "Figure") -> None:
        plane = figure.subplots()
        front = sorted(point for place, point in points.items() if is_on_front[place])
        if len(front) > 1:
            plane.plot(*zip(*front, strict=True), color=INK, linewidth=0.8, linestyle=":", label="Pareto front")
        kinds = set()
        for place, point in points.items():
            for name, is_across in ((x, True), (y, False)):
                _stroke(plane, comparison, place, name, point, is_across=is_across)
            kind, looks = _looks(comparison.rows[place], is_on_front=is_on_front[place])
            label = None if kind in kinds else kind
            kinds.add(kind)
            plane.plot(*point, **looks, markersize=6, linestyle="none", label=label, zorder=3)
        plane.margins(0.12)
        named = [place for place in points if is_on_front[place] or len(points) <= _LABELLED]
        named.sort(key=lambda place: not is_on_front[place])
        labels = [short_label(comparison.rows[place].label or comparison.rows[place].name) for place in named]
        _write_labels(plane, labels, [points[place] for place in named])
        plane.set_xlabel(_titled(comparison, x))
        plane.set_ylabel(_titled(comparison, y))
        figure.legend(*plane.get_legend_handles_labels(), loc="outside upper left", ncols=4)

    if format == "pdf":
        return draw_pdf(_INCHES, paint)
    return draw("comparison", _INCHES, paint).file(title).encode()


def _looks(row: ComparedRow, *, is_on_front: bool) -> tuple[str, dict[str, Any]]:
    """The word for a row in the legend, and how its point is drawn; one on the front is a hollow diamond (◇)."""
    color = COLORS[row.kind]
    if is_on_front:
        return "run on the front", {"marker": "D", "color": color, "markerfacecolor": "white"}
    word = row.status if row.kind == "published" else "not comparable" if row.is_apart else "run"
    return word, {"marker": marker_of(row, is_comparable=not row.is_apart), "color": color}


def _named(comparison: Comparison, axes: str) -> tuple[str, str]:
    names, known = [name.strip() for name in axes.split(",")], [*measure_names(comparison)]
    if len(names) != 2:
        raise ConfigError(f"--plot {axes}: name two figures or fields, as in mae,gender")
    for name in names:
        if name not in known:
            raise ConfigError(f"--plot {axes}: unknown figure or field {name!r}; choose one of {', '.join(known)}")
    return names[0], names[1]


def _default_axes(comparison: Comparison) -> tuple[str, str]:
    biases = [name for name in comparison.columns if name != MAE and is_main(comparison, name)]
    if not biases:
        raise ConfigError("the runs have no bias to plot; name two figures or fields with --plot")
    return MAE, (_AGE if _AGE in biases else biases[0])


def _numbers(comparison: Comparison, name: str) -> list[float | None]:
    values = values_of(comparison, name)
    if any(isinstance(value, str) for value in values):
        raise ConfigError(f"{name} holds words, which have no place on an axis; choose a figure or a number")
    return [value for value in values if not isinstance(value, str)]


def _titled(comparison: Comparison, name: str) -> str:
    unit, title = measure_unit(comparison, name), short_label(measure_title(comparison, name))
    return f"{title}, {unit.name}" if unit is not None and name not in (RANK, SEEDS) else title


def _write_labels(plane: "Axes", labels: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Writes each label beside its point, where it covers no earlier one; leaves it out where none of four places is
    free."""
    (left, right), (low, high) = plane.get_xlim(), plane.get_ylim()
    taken: list[tuple[float, float, float]] = []
    for label, (x, y) in zip(labels, points, strict=True):
        at, height = (x - left) / (right - left) * _ROOM[0], (y - low) / (high - low) * _ROOM[1]
        width = len(label) * _LETTERS * _LETTER_WIDTH
        for across, up in ((5, 4), (5, -9), (-5, 4), (-5, -9)):
            start = at + across - (width if across < 0 else 0)
            spot = (start, start + width, height + up)
            is_free = all(
                spot[1] < other[0] or spot[0] > other[1] or abs(spot[2] - other[2]) > _LETTERS for other in taken
            )
            if is_free and start >= 0 and start + width <= _ROOM[0]:
                taken.append(spot)
                side: Literal["left", "right"] = "left" if across > 0 else "right"
                plane.annotate(label, (x, y), (across, up), textcoords="offset points", fontsize=_LETTERS, ha=side)
                break


def _stroke(
    plane: "Axes", comparison: Comparison, place: int, name: str, point: tuple[float, float], *, is_across: bool
) -> None:
    """Draws the uncertainty of a figure, `Cell.ends`, as a stroke through its point."""
    if name not in comparison.columns:
        return
    if ends := comparison.rows[place].cells[comparison.columns.index(name)].ends:
        x, y = (ends, [point[1]] * 2) if is_across else ([point[0]] * 2, ends)
        plane.plot(x, y, color=INK, linewidth=0.7, alpha=0.5, solid_capstyle="butt")
