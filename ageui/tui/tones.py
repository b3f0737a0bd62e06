"""The styles of tones in the current theme."""

from collections.abc import Mapping

from rich.style import Style

from ageui.present.table import Tone

_COLOR_AND_TEXT_STYLE: dict[Tone, tuple[str, Style]] = {
    "plain": ("foreground", Style()),
    "dim": ("text-muted", Style(dim=True)),
    "strong": ("foreground", Style(bold=True)),
    "good": ("text-success", Style()),
    "bad": ("text-error", Style(bold=True)),
    "warn": ("text-warning", Style()),
    "accent": ("text-accent", Style()),
}
_OF_STATUS: dict[str, Tone] = {
    "running": "accent",
    "done": "good",
    "failed": "bad",
    "diverged": "warn",
    "cancelled": "dim",
    "paused": "warn",
    "interrupted": "warn",
}


def tone_styles(theme: Mapping[str, str]) -> dict[Tone, Style]:
    """The style of each tone, from a theme's variables (`App.theme_variables`)."""
    styles = {}
    for tone, (variable, text_style) in _COLOR_AND_TEXT_STYLE.items():
        color = theme.get(variable, "")
        # Variables such as `auto 87%` are not colours; their text gets the default colour.
        styles[tone] = Style(color=color if color.startswith("#") else None) + text_style
    return styles


def state_tone(status: str) -> Tone:
    """The tone of a run's status."""
    return _OF_STATUS.get(status, "plain")
