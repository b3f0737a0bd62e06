"""Checks the form for new runs: the config in force, problems, the runs to queue and their command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ageui.memory.expected_memory import CurrentPeaks, expected_memory
from ageui.planning import sweeps
from ageui.planning.disk_space import refuse_small_disk
from ageui.planning.expected_time import CurrentSpeeds, expected_time
from ageui.planning.known_networks import KnownNetworks
from ageui.planning.plan import Basis, Plan, grid_configs, resolve_here, with_data, with_seeds
from ageui.planning.run_checks import label_warnings, refuse_unfit
from ageui.planning.run_command import Labels, queue_command
from ageui.planning.settings import Resolved, SettingsLayer, absolute_init
from ageui.store import NewRun, RunRow, Store
from ageui.store.names import valid_name, valid_priority, valid_tag
from ageui.tui.form.checked_form import CheckedForm, FormInput
from ageui.tui.new_run.fields import ABOUT_RUNS, NAME, PRESET, PRIORITY, SEEDS, TAGS, form_fields
from ageui.tui.new_run.wording import grid_sentence
from ageui.tui.permissions import EVERYTHING, Permissions
from engine.choices import INITS
from engine.config import PRESETS, RunConfig, build_config, field_problem, format_value
from engine.data.folds import own_splits
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError, DeviceError, FullError, Problem
from engine.unused_fields import unused_fields

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class CheckedNewRuns(CheckedForm):
    """`labels` are the name, tags and priority of the runs."""

    labels: Labels
    plan: Plan | None = None

    @property
    def runs(self) -> list[NewRun]:
        """The runs to queue; none if anything is wrong."""
        if self.plan is None:
            return []
        return self.plan.to_queue(again=self.entered.again, name=self.labels.name)


@dataclass(frozen=True)
class _Template:
    """The run that prefills the form, as it was when the form opened."""

    row: RunRow
    layer: SettingsLayer
    spec: DataSpec


@dataclass(frozen=True)
class _ExpandedGrid:
    """The configs of a grid and the fields that none of them uses, with everything that decides them."""

    values: Mapping[str, str]
    basis: Basis
    seeds: int | None
    first: Resolved
    configs: list[RunConfig]
    unused: Mapping[str, str]


class FormCheck:
    """Checks a form against a database, in one thread at a time.

    Expands grids again only after a change. `devices` are the known devices of this machine, `permissions` those of
    the person.
    """

    def __init__(self, template: int | None = None) -> None:
        self._template_id = template
        self._template: _Template | None = None
        self._grid: _ExpandedGrid | None = None
        self.devices: tuple[str, ...] = ()
        self.permissions = EVERYTHING
        self.networks = KnownNetworks()
        self._peaks, self._speeds = CurrentPeaks(), CurrentSpeeds()

    def check(self, store: Store, entered: FormInput) -> CheckedNewRuns:
        """Raises `AgeUIError` only if the database cannot be read; the result has all other problems."""
        data = store.data.all()
        problems, labels, seeds = _about_runs(entered)
        values = _config_texts(entered)
        problems |= _wrong_values(values, self.permissions)
        if "data" in values and "data" not in problems:
            problems |= _wrong_data(values["data"], [spec.name for spec in data])
        checked = CheckedNewRuns(
            entered=entered,
            fields=form_fields(data, self.devices),
            problems=problems,
            trouble=self._read_template(store),
            labels=labels,
        )
        basis = self._basis(entered)
        right = {name: text for name, text in values.items() if name not in problems}
        try:
            first = resolve_here(store, _first_combination(right), basis)
        except ConfigError as error:
            return replace(checked, in_force=self._fallback(store, basis)).with_error(error)
        unused = self._unused(store, right, basis, seeds, first)
        checked = replace(checked, in_force=self._in_force(first, entered), unused=unused)
        if problems:
            return checked
        try:
            return self._planned(store, checked, basis, seeds, first)
        except (ConfigError, DataError, DeviceError, FullError) as error:
            return checked.with_error(error)

    def _planned(
        self, store: Store, checked: CheckedNewRuns, basis: Basis, seeds: int | None, first: Resolved
    ) -> CheckedNewRuns:
        """Adds the plan. Raises `ConfigError`, `DataError`, `DeviceError` and `FullError` for problems that involve
        several fields, or this machine."""
        values, labels = _config_texts(checked.entered), checked.labels
        grid = self._expanded(store, values, basis, seeds, first)
        runs = with_data(store, grid.configs)
        plan = Plan(first, runs, tuple(store.runs.find_same(runs)))
        named = plan.to_queue(again=checked.entered.again, name=labels.name)
        _refuse_names(store, [run.name for run in named if run.name is not None])
        refuse_unfit(runs, self.networks)
        refuse_small_disk(store, named, self.networks)
        return replace(
            checked,
            notes=(*self._notes(plan), *label_warnings(runs)),
            plan=plan,
            outcome=grid_sentence(with_seeds(values, first.config.seed, seeds), len(runs)),
            missing=self.networks.missing(runs),
            warnings=self.networks.warnings(runs),
            memory=expected_memory(self._peaks.of(store), runs),
            time=expected_time(self._speeds.of(store), named).text,
            command=queue_command(store, values, basis, runs, seeds=seeds, labels=labels),
        )

    # The run that prefills the form

    def _read_template(self, store: Store) -> str:
        """Reads the template once. Returns the reason why that is impossible, or ""."""
        if self._template_id is None or self._template is not None:
            return ""
        try:
            detail = store.runs.detail(self._template_id)
            config = build_config(detail.config)
            spec = DataSpec.model_validate(detail.data_spec)
            self.permissions.refuse_weights(config.init)
        except (ConfigError, ValueError) as error:
            return f"run {self._template_id} cannot be repeated: {error}"
        values = config.model_dump()
        values["lr"] = values["lr"][:1] if len(set(values["lr"])) == 1 else values["lr"]
        self._template = _Template(detail.row, SettingsLayer(f"run {detail.name}", values), spec)
        return ""

    def _basis(self, entered: FormInput) -> Basis:
        preset = entered.texts.get(PRESET)
        if preset is not None:
            return Basis(preset if preset in PRESETS else None)
        return Basis(like=self._template.layer if self._template is not None else None)

    def _notes(self, plan: Plan) -> tuple[str, ...]:
        template = self._template
        if template is None or plan.first.origins["data"] != template.layer.origin:
            return ()
        name, of_run = template.spec.name, template.row.name
        own = [run.spec for run in plan.runs if run.spec.name == name]
        notes = []
        if own and any(spec != own_splits(template.spec) for spec in own):
            notes.append(f"the description of {name} changed after {of_run} was queued")
        if own and template.spec.fold is not None:
            notes.append(f"{of_run} was tested on a fold; new runs use the splits of {name}: see ageui run --folds")
        return tuple(notes)

    # The config in force

    def _in_force(self, resolved: Resolved, entered: FormInput) -> dict[str, tuple[str, str]]:
        preset = (resolved.preset, resolved.preset_origin)
        if self._template is not None and PRESET not in entered.texts:
            preset = (self._template.layer.origin, "all its values")
        values = resolved.config.model_dump()
        return {
            **{name: (format_value(values[name]), resolved.origins[name]) for name in values},
            PRESET: preset,
            NAME: ("generated", ""),
            TAGS: ("none", ""),
            PRIORITY: ("0", ""),
            SEEDS: ("1", ""),
        }

    def _fallback(self, store: Store, basis: Basis) -> dict[str, tuple[str, str]]:
        try:
            return self._in_force(resolve_here(store, {}, basis), FormInput({}))
        except ConfigError:
            return {}

    def _unused(
        self, store: Store, values: dict[str, str], basis: Basis, seeds: int | None, first: Resolved
    ) -> Mapping[str, str] | None:
        try:
            return self._expanded(store, values, basis, seeds, first).unused
        except ConfigError:
            return None  # the plan has the reason

    def _expanded(
        self, store: Store, values: dict[str, str], basis: Basis, seeds: int | None, first: Resolved
    ) -> _ExpandedGrid:
        grid = self._grid
        if grid is None or (grid.values, grid.basis, grid.seeds, grid.first) != (values, basis, seeds, first):
            configs = grid_configs(store, with_seeds(values, first.config.seed, seeds), basis)
            grid = self._grid = _ExpandedGrid(values, basis, seeds, first, configs, unused_fields(configs))
        return grid


def _config_texts(entered: FormInput) -> dict[str, str]:
    """The texts of config fields."""
    return {name: text for name, text in entered.texts.items() if name not in ABOUT_RUNS}


def _first_combination(values: Mapping[str, str]) -> dict[str, str]:
    """The first value of every field."""
    return {name: sweeps.values_of(name, text)[0] for name, text in values.items()}


def _about_runs(entered: FormInput) -> tuple[dict[str, str], Labels, int | None]:
    """Reads the fields about the runs themselves: problems by field, labels and the number of seeds."""
    problems: dict[str, str] = {}
    texts = entered.texts
    tags = tuple(texts.get(TAGS, "").replace(",", " ").split())

    def seed_count(text: str) -> int:
        with_seeds({"seed": texts.get("seed", "")}, 0, int(text))
        return int(text)

    def parsed(field: str, parse: Callable[[str], Value]) -> Value | None:
        try:
            return parse(texts[field]) if field in texts else None
        except ValueError:
            problems[field] = "give a whole number"
        except ConfigError as error:
            problems[field] = str(error)
        return None

    if PRESET in texts and texts[PRESET] not in PRESETS:
        problems[PRESET] = f"choose one of {', '.join(PRESETS)}"
    name = parsed(NAME, valid_name)
    parsed(TAGS, lambda text: [valid_tag(tag) for tag in tags])
    priority = parsed(PRIORITY, lambda text: valid_priority(int(text))) or 0
    return problems, Labels(name, tags, priority, entered.again), parsed(SEEDS, seed_count)


def _wrong_values(values: Mapping[str, str], permissions: Permissions) -> dict[str, str]:
    """The problems of each field, independent of other fields."""
    problems = {}
    for name, text in values.items():
        try:
            found = (field_problem(name, value) for value in sweeps.values_of(name, text))
            problem = next((one for one in found if one is not None), None)
            if problem is None and name == "init":
                problem = _missing_file(text, permissions)
        except ConfigError as error:
            problem = str(error)
        if problem is not None:
            problems[name] = problem
    return problems


def _missing_file(text: str, permissions: Permissions) -> str | None:
    for value in sweeps.values_of("init", text):
        permissions.refuse_weights(value)
        if value not in ("auto", *INITS) and not _is_file(Path(absolute_init(value))):
            return f"the file {value} does not exist; choose {', '.join(INITS)} or a weights file"
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _wrong_data(text: str, registered: list[str]) -> dict[str, str]:
    gone = [name for name in sweeps.values_of("data", text) if name not in registered]
    return {"data": f"unknown data set {gone[0]!r}; choose one of {', '.join(registered)}"} if gone else {}


def _refuse_names(store: Store, names: list[str]) -> None:
    """Raises `ConfigError` if a name is taken, or too long with its number."""
    try:
        if len(names) > 1:
            valid_name(names[-1])
        if taken := store.runs.taken_names(names):
            raise ConfigError(f"name: a run is already named {taken[0]!r}; choose another name")
    except ConfigError as error:
        raise ConfigError(problems=[Problem(NAME, str(error))]) from None
