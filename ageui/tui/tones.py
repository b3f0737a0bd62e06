"""The colours of tones, which follow the theme."""

from collections.abc import Mapping

from rich.style import Style

from ageui.present.table import Tone

_VARIABLES = {
    "plain": "foreground",
    "dim": "text-muted",
    "strong": "foreground",
    "good": "text-success",
    "bad": "text-error",
    "warn": "text-warning",
    "accent": "text-accent",
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
    """The style of every tone, from a theme's variables (`App.theme_variables`)."""
    # Variables like `auto 87%` name no colour of their own: such text looks like all other text.
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


def state_tone(status: str) -> Tone:
    """The tone of a run's status."""
    return _OF_STATUS.get(status, "plain")
