"""Themes, and the colours and markers of curves.

In the safe themes and in the palette, colour-blind people can distinguish all colours with different meanings (Okabe
and Ito, "Color Universal Design", 2008).
"""

from textual.theme import Theme

_BLUE, _SKY, _GREEN, _ORANGE, _VERMILION, _PURPLE, _YELLOW = (
    "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#f0e442",
)  # fmt: skip

THEMES = (
    Theme(
        "ageui-dark", primary="#4c8dd6", secondary="#7fa7c9", accent="#f2b35e", warning="#e8a33d", error="#e0616b",
        success="#58b87f", foreground="#d7dce2", background="#12151a", surface="#171b21", panel="#222932", dark=True,
    ),
    Theme(
        "ageui-light", primary="#2463a8", secondary="#4a6f94", accent="#a35b00", warning="#9a5f00", error="#b3263a",
        success="#1c7a47", foreground="#1d2329", background="#f7f7f4", surface="#ffffff", panel="#e6e9ec", dark=False,
    ),
    Theme(
        "ageui-safe-dark", primary=_SKY, secondary=_BLUE, accent=_YELLOW, warning=_ORANGE, error=_VERMILION,
        success=_SKY, foreground="#e4e4e4", background="#101010", surface="#161616", panel="#262626", dark=True,
    ),
    Theme(
        "ageui-safe-light", primary=_BLUE, secondary=_BLUE, accent=_PURPLE, warning="#8a5a00", error="#a84500",
        success=_BLUE, foreground="#1a1a1a", background="#fafafa", surface="#ffffff", panel="#e4e4e4", dark=False,
    ),
)  # fmt: skip
THEME_NAMES = tuple(theme.name for theme in THEMES)
DEFAULT_THEME = THEME_NAMES[0]

_ON_DARK = (_SKY, _ORANGE, "#2fbf94", _PURPLE, _YELLOW, _VERMILION, "#9aa7ff", "#c7c7c7")
_ON_LIGHT = (_BLUE, "#b87700", "#007a58", "#a8487d", "#6b6400", _VERMILION, "#4450b8", "#5a5a5a")
_RUN_MARKERS = ("●", "■", "○", "□", "◉", "✚", "▣", "◐", "◧", "✱", "◑", "◨")


def series_color(place: int, *, dark: bool) -> str:
    """The colour of the curve at a place. Eight colours repeat; markers distinguish curves of the same colour."""
    colors = _ON_DARK if dark else _ON_LIGHT
    return colors[place % len(colors)]


def run_marker(place: int) -> str:
    """The marker of the compared run at a place."""
    return _RUN_MARKERS[place % len(_RUN_MARKERS)]


def places_of(keys: list[int]) -> dict[int, int]:
    """A place in the palette for each run id, independent of the other runs unless places collide.

    Colour and marker distinguish the first 24 places.
    """
    places: dict[int, int] = {}
    free = set(range(max(len(_RUN_MARKERS), len(keys))))
    for key in sorted(keys):
        wanted = key % len(_ON_DARK)
        place = wanted if wanted in free else min(free)
        places[key] = place
        free.discard(place)
    return places
