"""Explains term by term why a filter finds no run, and suggests near values."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Protocol

from ageui.store.filter_fields import filter_fields
from ageui.store.filters import Term, known_field, parse
from ageui.text.clean import clean
from ageui.text.sentences import counted
from engine import choices

_MOST_TERMS, _MOST_VALUES = 8, 6
_FIELDS_OF_WORDS: dict[str, tuple[str, ...]] = {
    "loss": choices.LOSSES,
    "weights": choices.REPORT_ATTRIBUTES,
    "strategy": choices.STRATEGIES,
    "optimizer": choices.OPTIMIZERS,
}
"""Fields whose values people type as bare words, although bare words match only names of runs."""


class FilteredRuns(Protocol):
    """What the explanation asks of a store's runs."""

    def count(self, filter: str | None = None) -> int: ...
    def values(self, name: str, start: str = "") -> tuple[str, ...]: ...


def nothing_found_lines(runs: FilteredRuns, filter: str) -> str:
    """The result of each term of a filter that finds no run, each on a new, indented line."""
    return "".join(f"\n  {term} {why}" for term, why in why_nothing_is_found(runs, filter))


def why_nothing_is_found(runs: FilteredRuns, filter: str) -> tuple[tuple[str, str], ...]:
    """Each term of a filter that finds no run, with its own result and suggestions.

    Raises `ConfigError` for an invalid filter, and `StoreError`.
    """
    return tuple(_explained(runs, filter))


def _explained(runs: FilteredRuns, filter: str) -> Iterator[tuple[str, str]]:
    for term in parse(filter)[:_MOST_TERMS]:
        text = filter[term.start : term.end]
        alone = runs.count(text)
        yield clean(text), f"alone finds {counted(alone, 'run')}" if alone else f"finds none{_advice(runs, term)}"


def _advice(runs: FilteredRuns, term: Term) -> str:
    if term.field is None:
        return _advice_on_word(runs, term.value)
    field = known_field(term.field)
    if field is None or field.kind not in ("text", "texts", "tags") or field.name in ("name", "note"):
        return ""
    values = runs.values(field.name)
    near = get_close_matches(term.value, values, n=_MOST_VALUES, cutoff=0.5) or values[:_MOST_VALUES]
    return f"; runs have {field.name}={', '.join(map(clean, near))}" if near else f"; no run has a {field.name}"


def _advice_on_word(runs: FilteredRuns, word: str) -> str:
    """Explains that bare words are parts of names, and suggests a field with such a value or name."""
    lower = word.lower()
    found = next((name for name, values in _FIELDS_OF_WORDS.items() if lower in values), None)
    if found is not None:
        return f" by its name; did you mean {found}={clean(lower)}?"
    if word in runs.values("tag", word):
        return f" by its name; did you mean tag={clean(word)}?"
    names = list(filter_fields())
    close = [name for name in names if name.startswith(lower)] or get_close_matches(lower, names, n=3)
    return f" by its name; near fields: {', '.join(close[:3])}" if close else " by its name"
