"""Checks the form for the missing runs of a study: its choice, the runs to queue and their command."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ageui.memory.expected_memory import CurrentPeaks, expected_memory
from ageui.planning.disk_space import refuse_small_disk
from ageui.planning.expected_time import CurrentSpeeds, expected_time
from ageui.planning.known_networks import KnownNetworks
from ageui.planning.run_checks import label_warnings, refuse_unfit
from ageui.store import Store
from ageui.study import Choice, RemainingRuns, Study, find_remaining
from ageui.study.queueing import asked_choice, chosen_here, remaining_text
from ageui.tui.form.checked_form import CheckedForm, FormField, FormInput
from ageui.tui.permissions import EVERYTHING, Permissions
from engine.choices import PRESETS
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError, DeviceError, FullError, Problem

PRESET, DATA, SEEDS, SETTINGS = "preset", "data", "seeds", "set"


@dataclass(frozen=True, kw_only=True)
class CheckedStudyRuns(CheckedForm):
    """`choice` is None until preset, data and settings are readable."""

    choice: Choice | None = None
    plan: RemainingRuns | None = None

    @property
    def why_not(self) -> str:
        return "\n".join(filter(None, [*self.problems.values(), self.trouble]))

    def _field_of(self, problem: Problem) -> str:
        name = super()._field_of(problem)
        return SETTINGS if self.choice is not None and name in self.choice.settings else name


def form_fields(data: Sequence[DataSpec] = ()) -> dict[str, FormField]:
    """The fields by name. `data` are the registered data sets."""
    fields = (
        FormField(
            PRESET, "report: as published; others replace all but the compared fields", PRESETS, takes_several=False
        ),
        FormField(DATA, "the data set", tuple(spec.name for spec in data), takes_several=False),
        FormField(SEEDS, "seeds per cell, counted up from 0", takes_several=False),
        FormField(SETTINGS, "field=value, separated by spaces; any field but the compared ones", takes_several=False),
    )
    return {field.name: field for field in fields}


def check_study_runs(
    store: Store,
    study: Study,
    entered: FormInput,
    networks: KnownNetworks,
    peaks: CurrentPeaks,
    speeds: CurrentSpeeds,
    permissions: Permissions = EVERYTHING,
) -> CheckedStudyRuns:
    """Raises `AgeUIError` only if the database cannot be read; the result has all other problems."""
    checked = CheckedStudyRuns(
        entered=entered, fields=form_fields(store.data.all()), in_force={SEEDS: ("1", ""), SETTINGS: ("none", "")}
    )
    try:
        here = chosen_here(store, study, choice_of_texts(entered.texts))
        in_force = {name: (str(getattr(here.choice, name)), origin) for name, origin in here.origins.items()}
        if settings := texts_of(here.choice, 1).get(SETTINGS):
            in_force[SETTINGS] = settings, ""
        checked = replace(checked, choice=here.choice, in_force={**checked.in_force, **in_force})
        seeds = seeds_of(entered.texts)
        todo = find_remaining(study, store, here.choice, seeds)
        for run in todo.new:
            permissions.refuse_weights(run.config.init)
        to_train = todo.to_train(store)
        refuse_unfit(to_train, networks)
        refuse_small_disk(store, to_train, networks)
    except (ConfigError, DataError, DeviceError, FullError) as error:
        return checked.with_error(error)
    return replace(
        checked,
        plan=todo,
        outcome=remaining_text(study, todo),
        notes=tuple(label_warnings(to_train)),
        missing=networks.missing(todo.new),
        warnings=networks.warnings(todo.new),
        memory=expected_memory(peaks.of(store), todo.new),
        time=expected_time(speeds.of(store), todo.new).text,
        command=command(study, here.choice, seeds),
    )


def texts_of(choice: Choice | None, seeds: int) -> dict[str, str]:
    """The texts of the fields for a choice, without empty ones."""
    if choice is None:
        return {}
    settings = shlex.join(f"{name}={value}" for name, value in choice.settings.items())
    texts = {PRESET: choice.preset or "", DATA: choice.data or "", SEEDS: str(seeds), SETTINGS: settings}
    return {name: text for name, text in texts.items() if text}


def choice_of_texts(texts: Mapping[str, str]) -> Choice:
    """The choice in a form. Raises `ConfigError` for an unknown preset or unreadable settings."""
    settings = texts.get(SETTINGS, "")
    try:
        assignments = shlex.split(settings)
    except ValueError:
        text = f"set {settings}: close the quotation mark, or remove the backslash at the end"
        raise ConfigError(problems=[Problem(SETTINGS, text)]) from None
    return asked_choice(texts.get(PRESET), texts.get(DATA), assignments)


def seeds_of(texts: Mapping[str, str]) -> int:
    """The number of seeds in a form. Raises `ConfigError` unless it is a whole number."""
    text = texts.get(SEEDS, "1")
    try:
        return int(text)
    except ValueError:
        raise ConfigError(problems=[Problem(SEEDS, f"seeds {text}: give a whole number")]) from None


def command(study: Study, choice: Choice, seeds: int) -> str:
    """The command line that queues the same runs."""
    parts = ["ageui", "study", "run", study.name if study.path is None else str(study.path)]
    parts += ["--preset", choice.preset] if choice.preset else []
    parts += ["--data", choice.data] if choice.data else []
    parts += ["--seeds", str(seeds)] if seeds > 1 else []
    for field, value in choice.settings.items():
        parts += ["--set", f"{field}={value}"]
    return shlex.join([*parts, "--detach"])
