"""The parts of a run's screen, each behind a digit. Pressing a digit again shows its next part."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A part by its key; `title` names it behind its digit, or `short` if room is short."""

    key: str
    digit: str
    title: str
    short: str = ""


CURVES = (
    Part("loss", "1", "loss"),
    Part("steps", "1", "loss by step"),
    Part("val_loss", "1", "val loss"),
    Part("val_mae", "2", "MAE"),
    Part("bias", "3", "biases"),
    Part("lr", "4", "lr"),
    Part("speed", "4", "images/s"),
)
PARTS = (
    Part("scores", "5", "scores"),
    Part("scatter", "6", "scatter"),
    Part("by-age", "7", "errors by age", "errors"),
    Part("worst", "7", "worst errors", "worst"),
    Part("config", "8", "config"),
    Part("log", "9", "log"),
    Part("attempts", "0", "attempts"),
    Part("epochs", "0", "epochs"),
)
OF_PREDICTIONS = ("scatter", "by-age", "worst")
"""The parts based on the predictions of single images."""


def chosen(parts: tuple[Part, ...], digit: str, current: str, *, is_shown: bool) -> str:
    """The key of the part that a digit shows: the next of its parts if one `is_shown`, else the current or first."""
    own = [part.key for part in parts if part.digit == digit]
    if current not in own:
        return own[0]
    return own[(own.index(current) + 1) % len(own)] if is_shown else current


def menu(parts: tuple[Part, ...], current: str) -> list[Part]:
    """A part for each digit: the current part in place of the first of its digit."""
    first: dict[str, Part] = {}
    for part in parts:
        if part.key == current or part.digit not in first:
            first[part.digit] = part
    return list(first.values())


def more_of(parts: tuple[Part, ...], current: str) -> str:
    """The hint for the next part behind the same digit, `7 again: worst errors`; empty without one."""
    digit = next(part.digit for part in parts if part.key == current)
    following = chosen(parts, digit, current, is_shown=True)
    return (
        next(f"{digit} again: {part.title}" for part in parts if part.key == following) if following != current else ""
    )
