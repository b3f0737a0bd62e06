"""A form without its widgets: its fields, what was typed into them, and the result of checking that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ageui.memory.forecast import NOTHING_TO_SAY, Forecast
from ageui.text.sentences import counted
from engine.errors import ConfigError, DeviceError, Problem


@dataclass(frozen=True)
class FormField:
    """A field of a form. `choices` are the known values; a field may accept others."""

    name: str
    what: str
    choices: tuple[str, ...] = ()
    takes_several: bool = True


@dataclass(frozen=True)
class FormInput:
    """What was typed: `texts` by field without empty ones. With `again`, runs that exist already are queued too."""

    texts: Mapping[str, str]
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckedForm:
    """A checked form.

    `in_force` has the value and its origin for each empty field. `problems` say by field what is wrong, `trouble` what
    is wrong with no field of the form. `plan` is what would be queued, None while anything is wrong; `outcome` says so
    in a sentence, and `command` is the shell command that does the same, None if no single command does.
    """

    entered: FormInput
    fields: Mapping[str, FormField]
    in_force: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    plan: object | None = None
    outcome: str = ""
    notes: tuple[str, ...] = ()
    memory: Forecast = NOTHING_TO_SAY
    command: str | None = None

    @property
    def why_not(self) -> str:
        """Why nothing can be queued; empty if everything is right."""
        if self.plan is not None:
            return ""
        if self.problems:
            return f"{counted(len(self.problems), 'field')} to be put right: {', '.join(self.problems)}"
        return self.trouble or "this cannot be queued"

    def with_error(self, error: ConfigError | DeviceError) -> Self:
        """The same form with an error at the fields it is about, or as `trouble` if the form has none of them."""
        problems = error.problems if isinstance(error, ConfigError) else (Problem("device", str(error)),)
        placed: dict[str, str] = {}
        for problem in problems:
            name = self._field_of(problem)
            if name in self.fields:
                placed.setdefault(name, problem.text)
        trouble = self.trouble if placed else self.trouble or str(error)
        return replace(self, problems={**placed, **self.problems}, trouble=trouble)

    def _field_of(self, problem: Problem) -> str:
        """The first field of a broken rule that was filled in, since the others only have their defaults."""
        names = (problem.field, *problem.others)
        return next((name for name in names if name in self.entered.texts), problem.field)
