"""Prepares to queue a study's runs: fills in the choice, and summarises what is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ageui.planning.plan import Basis, resolve_here
from ageui.planning.settings import parse_assignments, preset_layer
from ageui.study.remaining_runs import RemainingRuns
from ageui.study.study import Study
from ageui.study.variants import REPORT, Choice, Variant, cell_config, normal_form, own_and_shared
from ageui.text.sentences import counted
from engine.config import PRESETS, RunConfig, format_value
from engine.errors import ConfigError

if TYPE_CHECKING:
    from ageui.store import Store


@dataclass(frozen=True)
class ChosenHere:
    """A choice with a preset and, unless the study sets it, data. `origins` explains default values."""

    choice: Choice
    origins: dict[str, str]


def asked_choice(preset: str | None, data: str | None, assignments: Sequence[str]) -> Choice:
    """The choice of the user, with settings as `field=value`, including data.

    Raises `ConfigError` for an unknown preset and malformed settings.
    """
    if preset is not None:
        preset_layer(preset)
    values = parse_assignments(assignments)
    return Choice(preset, values.pop("data", None) if data is None else data, values)


def chosen_here(store: "Store", study: Study, choice: Choice) -> ChosenHere:
    """Fills in preset and data as `ageui run` would choose them on this machine.

    A default preset fills in only the fields that a study leaves open, unless the study is one of the report's.
    """
    resolved = resolve_here(store, {}, Basis(choice.preset))
    preset, settings = resolved.preset, choice.settings
    origins = {"preset": resolved.preset_origin} if choice.preset is None else {}
    if choice.preset is None and not (study.path is None and study.has_published):
        preset, left_open = REPORT, _left_open(study, resolved.preset)
        settings = {**left_open, **choice.settings}
        filled = f"; {resolved.preset} fills in {', '.join(left_open)} ({resolved.preset_origin})"
        file = study.path.name if study.path is not None else f"the study {study.name}"
        origins["preset"] = f"as {file} says{filled if left_open else ''}"
    data = choice.data
    if data is None and "data" not in study.base:
        data, origins["data"] = resolved.config.data, resolved.data_origin
    return ChosenHere(replace(choice, preset=preset, data=data, settings=settings), origins)


def _left_open(study: Study, preset: str) -> dict[str, str]:
    """The values of a preset for the fields that the study's file leaves open, if they differ from the file's."""
    if preset == REPORT:
        return {}
    named = {*study.base, *study.fields}
    # Epochs, rates and weights of a file belong to its strategy, be it only the default one.
    kept = {"strategy"} if named & {"epochs", "lr", "init"} else set()
    defaults = RunConfig()
    return {
        name: format_value(value)
        for name, value in PRESETS[preset].items()
        if name not in (named | kept) and value != getattr(defaults, name)
    }


def choice_of(study: Study, variant: Variant) -> Choice | None:
    """The choice with the fewest settings that gives the runs of a variant; None if no choice does."""
    found: list[Choice] = []
    for preset in (REPORT, *(name for name in PRESETS if name != REPORT)):
        expected = _normal(study, Choice(preset, variant.data))
        if expected is None:
            continue
        differing = [name for name, value in variant.normal.items() if expected.get(name) != value]
        settings = {name: format_value(variant.normal[name]) for name in differing if name != "data"}
        choice = Choice(preset, variant.data, settings)
        if _normal(study, choice) == variant.normal:
            found.append(choice)
    return min(found, key=lambda choice: len(choice.settings), default=None)


def _normal(study: Study, choice: Choice) -> dict[str, object] | None:
    """The normal form that cells share under a choice; None for an invalid choice."""
    try:
        config = cell_config(study, study.trained[0], choice, registered=(), cuda_available=lambda: False)
    except ConfigError:
        return None
    return dict(own_and_shared(study, normal_form(config.model_dump()))[1])


def remaining_text(study: Study, remaining: RemainingRuns) -> str:
    """`table8, 14 runs: 12 to queue, 2 already done`; then the weights files that cells lack."""
    parts = [
        (len(remaining.new), "to queue"),
        (len(remaining.again), "failed or cancelled to retry"),
        (len(remaining.stopped), "interrupted to continue"),
        (len(remaining.going), "already queued or running"),
        (len(remaining.paused), "paused (ageui resume continues them)"),
        (len(remaining.done), "already done"),
    ]
    said = ", ".join(f"{number} {what}" for number, what in parts if number)
    lacking = "".join(f"; a cell is left out, because {path} is missing" for path in remaining.left_out)
    return f"{study.name}, {counted(sum(number for number, _ in parts), 'run')}: {said or 'nothing to do'}{lacking}"


def tag(study: Study) -> str:
    """The tag of runs queued for a study."""
    return f"study:{'-'.join(study.name.replace(',', ' ').split())}"
