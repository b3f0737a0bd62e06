"""Figures and words as cells of a table: text, and what it means, which a theme gives a colour."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from ageui.text.clean import clean

DASH = "—"
BAR_CELLS = 8
_EIGHTHS = " ▏▎▍▌▋▊▉"

Tone = Literal["plain", "dim", "strong", "good", "bad", "warn", "accent"]

_VARIABLES = {
    "plain": "foreground",
    "dim": "text-muted",
    "strong": "foreground",
    "good": "text-success",
    "bad": "text-error",
    "warn": "text-warning",
    "accent": "text-accent",
}
_TONES: dict[str, Tone] = {
    "running": "accent",
    "done": "good",
    "failed": "bad",
    "diverged": "warn",
    "cancelled": "dim",
    "paused": "warn",
    "interrupted": "warn",
}


@dataclass(frozen=True)
class Cell:
    """Text that is safe to show, and its tone."""

    text: str
    tone: Tone = "plain"


def tone_styles(theme: Mapping[str, str]) -> dict[Tone, Style]:
    """The style of every tone, from a theme's variables (`App.theme_variables`)."""
    # Variables like `auto 87%` name no colour of their own: such text looks like all other.
    named = {tone: theme.get(variable, "") for tone, variable in _VARIABLES.items()}
    styles = {tone: Style(color=color) if color.startswith("#") else Style() for tone, color in named.items()}
    return {
        "plain": styles["plain"],
        "dim": styles["plain"] + Style(dim=True),
        "strong": styles["strong"] + Style(bold=True),
        "good": styles["good"],
        "bad": styles["bad"] + Style(bold=True),
        "warn": styles["warn"],
        "accent": styles["accent"],
    }


def words(text: str | None, tone: Tone = "plain") -> Cell:
    """Text from anywhere; a dash for none."""
    return Cell(clean(text), tone) if text else Cell(DASH, "dim")


def state_tone(status: str) -> Tone:
    return _TONES.get(status, "plain")


def years(value: float | None, tone: Tone = "plain") -> Cell:
    """Two decimals; a dash for no value."""
    return Cell(DASH, "dim") if value is None else Cell(_number(value, f"{value:.2f}"), tone)


def bias(value: float | None, noise: float | None) -> Cell:
    """A bias in years, with ~ where it is no larger than noise alone would make it."""
    if value is None:
        return Cell(f"{DASH} ", "dim")
    inside = noise is not None and value <= noise
    return Cell(f"{_number(value, f'{value:.2f}')}{'~' if inside else ' '}", "dim" if inside else "plain")


def loss(value: float | None) -> Cell:
    """Four significant digits; a loss that is no finite number stands out."""
    if value is None:
        return Cell(DASH, "dim")
    return Cell(_number(value, f"{value:.4g}"), "plain" if math.isfinite(value) else "bad")


def duration(seconds: float | None) -> str:
    """`0:14`, `12:05`, `3:20:00`; a dash for none."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar(done: float, total: float, cells: int = BAR_CELLS) -> str:
    """A bar of `cells` cells, filled to the fraction done."""
    filled = round(cells * min(1.0, max(0.0, done / total))) if total > 0 else 0
    return "▓" * filled + "░" * (cells - filled)


def fine_bar(value: float, largest: float, cells: int) -> str:
    """A bar in eighths of a cell, of `cells` cells with its spaces; anything above nothing is seen."""
    share = value / largest if largest > 0 and 0 <= value <= largest else 0.0
    eighths = max(round(8 * cells * share), int(share > 0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def fitted(text: str, width: int) -> str:
    """At most `width` cells; what does not fit ends in an ellipsis."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…" if width > 0 else ""


def _number(value: float, text: str) -> str:
    if math.isnan(value):
        return "NaN"
    return text if math.isfinite(value) else ("∞" if value > 0 else "−∞")
