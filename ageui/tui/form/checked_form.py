"""A form without its widgets: its fields, the entered texts, and the result of checking them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ageui.memory.expected_memory import ExpectedMemory
from ageui.text.sentences import counted
from engine.checked_networks import NetworkKey
from engine.errors import AgeUIError, Problem


@dataclass(frozen=True)
class FormField:
    """A field of a form. `choices` are its known values; it may accept others."""

    name: str
    what: str
    choices: tuple[str, ...] = ()
    takes_several: bool = True


@dataclass(frozen=True)
class FormInput:
    """The entered `texts` by field, without empty ones. With `again`, existing runs are queued, too."""

    texts: Mapping[str, str]
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckedForm:
    """A checked form.

    `in_force` maps empty fields to their values and origins. `problems` are by field; `trouble` concerns no field.
    `unused` are fields without effect, each with its condition; None if unknown because the runs are unknown.
    `plan` has the runs to queue, and is None if anything is wrong; `outcome` describes it. `command` is the equivalent
    shell command, or None if no single command is equivalent.
    """

    entered: FormInput
    fields: Mapping[str, FormField]
    in_force: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] | None = None
    trouble: str = ""
    plan: object | None = None
    outcome: str = ""
    notes: tuple[str, ...] = ()
    missing: tuple[NetworkKey, ...] = ()
    warnings: tuple[str, ...] = ()
    memory: ExpectedMemory = field(default_factory=ExpectedMemory)
    time: str = ""
    command: str | None = None

    @property
    def why_not(self) -> str:
        """The reason why nothing can be queued; empty without problems."""
        if self.plan is not None:
            return ""
        if self.problems:
            return f"{counted(len(self.problems), 'field')} to correct: {', '.join(self.problems)}"
        return self.trouble or "this cannot be queued"

    def with_error(self, error: AgeUIError) -> Self:
        """Adds an error to its fields, or to `trouble` if the form has none of them."""
        placed: dict[str, str] = {}
        for problem in error.problems:
            name = self._field_of(problem)
            if name in self.fields:
                placed.setdefault(name, problem.text)
        trouble = self.trouble if placed else self.trouble or str(error)
        return replace(self, problems={**placed, **self.problems}, trouble=trouble)

    def _field_of(self, problem: Problem) -> str:
        """The first filled-in field of the problem, because the others have their defaults."""
        names = (problem.field, *problem.others)
        return next((name for name in names if name in self.entered.texts), problem.field)
