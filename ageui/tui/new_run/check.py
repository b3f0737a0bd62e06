"""What a filled-in form means: the config in force, what is wrong, the runs it queues and the command that does so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ageui.memory.forecast import NOTHING_TO_SAY, Forecast, Forecaster
from ageui.planning import sweeps
from ageui.planning.plan import Basis, Plan, grid_configs, resolve_here, with_data, with_seeds
from ageui.planning.run_command import Labels, queue_command
from ageui.planning.settings import Layer, Resolved, absolute_init
from ageui.store import NewRun, RunRow, Store
from ageui.store.names import valid_name, valid_priority, valid_tag
from ageui.tui.new_run.fields import ABOUT_RUNS, NAME, PRESET, PRIORITY, SEEDS, TAGS, Field, form_fields
from ageui.tui.new_run.wording import grid_sentence
from ageui.worker.background_workers import refuse_missing_devices
from engine.config import PRESETS, RunConfig, build_config, field_problem, format_value
from engine.data.spec import DataSpec
from engine.errors import AgeUIError, ConfigError, DeviceError

# A rule about the first field is broken by what was typed into one of these, where the first is as it was.
_BOUND_BY = {"strategy": ("init", "lr"), "head": ("widths",), "loss": ("weights", "batch"), "combine": ("weights",)}


@dataclass(frozen=True)
class Entered:
    """What was typed: `texts` by field, without those left empty."""

    texts: Mapping[str, str]
    again: bool = False
    devices: tuple[str, ...] = ()

    def says_the_same(self, other: "Entered") -> bool:
        """Whether the same was typed and ticked."""
        return (self.texts, self.again) == (other.texts, other.again)

    @property
    def values(self) -> dict[str, str]:
        """Those of the config."""
        return {name: text for name, text in self.texts.items() if name not in ABOUT_RUNS}


@dataclass(frozen=True)
class Checked:
    """`in_force` has the value and its origin for every field that was left empty; `problems` say by field what is
    wrong, `trouble` what is wrong with no field of the form, and `notes` what is good to know."""

    entered: Entered
    fields: Mapping[str, Field]
    in_force: Mapping[str, tuple[str, str]]
    problems: Mapping[str, str]
    trouble: str
    labels: Labels
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    grid: str = ""
    memory: Forecast = NOTHING_TO_SAY
    command: str | None = None

    @property
    def runs(self) -> list[NewRun]:
        """What is to be queued; nothing while anything is wrong."""
        if self.plan is None:
            return []
        return self.plan.to_queue(again=self.entered.again, name=self.labels.name)


@dataclass(frozen=True)
class _Like:
    """A run that the new one shall be like, as it was when the form was opened."""

    row: RunRow
    layer: Layer
    spec: DataSpec


@dataclass(frozen=True)
class _Grid:
    """A grid that was worked out, and what it came of."""

    values: Mapping[str, str]
    basis: Basis
    seeds: int | None
    first: Resolved
    configs: list[RunConfig]


class FormCheck:
    """Checks what was typed against a database; made once for a form. To be used by one thread at a time.

    Large grids are worked out again only when something of them has changed.
    """

    def __init__(self, like: int | None = None) -> None:
        self._wanted_like = like
        self._like: _Like | None = None
        self._grid: _Grid | None = None
        self.forecaster = Forecaster()

    def check(self, store: Store, entered: Entered) -> Checked:
        """Raises `AgeUIError` only where the database cannot be read; all else is part of what it returns."""
        data = store.data.all()
        problems, labels, seeds = _about_runs(entered)
        values = entered.values
        problems |= _wrong_values(values)
        if "data" in values and "data" not in problems:
            problems |= _wrong_data(values["data"], [spec.name for spec in data])
        checked = Checked(entered, form_fields(data, entered.devices), {}, problems, self._read_like(store), labels)
        basis = self._basis(entered)
        right = {name: text for name, text in values.items() if name not in problems}
        try:
            first = resolve_here(store, _first(right), basis)
        except ConfigError as error:
            return _with_error(replace(checked, in_force=self._fallback(store, basis)), error)
        checked = replace(checked, in_force=self._in_force(first, entered))
        if problems:
            return checked
        try:
            return self._planned(store, checked, basis, seeds, first)
        except (ConfigError, DeviceError) as error:
            return _with_error(checked, error)

    def _planned(self, store: Store, checked: Checked, basis: Basis, seeds: int | None, first: Resolved) -> Checked:
        """The same with its runs. Raises `ConfigError` and `DeviceError` for what only shows with all values."""
        values, labels = checked.entered.values, checked.labels
        configs = self._configs(store, values, basis, seeds, first)
        runs = with_data(store, configs)
        refuse_missing_devices(config.device for config in configs)
        plan = Plan(first, runs, tuple(store.runs.find_same(runs)))
        named = plan.to_queue(again=checked.entered.again, name=labels.name)
        _refuse_names(store, [run.name for run in named if run.name is not None])
        return replace(
            checked,
            notes=self._notes(plan),
            plan=plan,
            grid=grid_sentence(with_seeds(values, first.config.seed, seeds), len(runs)),
            memory=self.forecaster.forecast(runs),
            command=queue_command(store, values, basis, runs, seeds=seeds, labels=labels),
        )

    # The run it shall be like

    def _read_like(self, store: Store) -> str:
        """Reads it where that has not been done; why it cannot be, else nothing."""
        if self._wanted_like is None or self._like is not None:
            return ""
        try:
            detail = store.runs.detail(self._wanted_like)
            config = build_config(detail.config)
            spec = DataSpec.model_validate(detail.data_spec)
        except (ConfigError, ValueError) as error:
            return f"run {self._wanted_like} cannot be repeated: {error}"
        values = config.model_dump()
        values["lr"] = values["lr"][:1] if len(set(values["lr"])) == 1 else values["lr"]
        self._like = _Like(detail.row, Layer(f"run {detail.name}", values), spec)
        return ""

    def _basis(self, entered: Entered) -> Basis:
        preset = entered.texts.get(PRESET)
        if preset is not None:
            return Basis(preset if preset in PRESETS else None)
        return Basis(like=self._like.layer if self._like is not None else None)

    def _notes(self, plan: Plan) -> tuple[str, ...]:
        like = self._like
        if like is None or plan.first.origins["data"] != like.layer.origin:
            return ()
        changed = any(run.spec.name == like.spec.name and run.spec != like.spec for run in plan.runs)
        return (f"{like.spec.name} is described otherwise now than when {like.row.name} was queued",) if changed else ()

    # The config in force

    def _in_force(self, resolved: Resolved, entered: Entered) -> dict[str, tuple[str, str]]:
        has_like = self._like is not None and PRESET not in entered.texts
        preset = (
            (self._like.layer.origin, "all its values")
            if has_like and self._like is not None
            else (resolved.preset, resolved.preset_origin)
        )
        values = resolved.config.model_dump()
        return {
            **{name: (format_value(values[name]), resolved.origins[name]) for name in values},
            PRESET: preset,
            NAME: ("made up", ""),
            TAGS: ("none", ""),
            PRIORITY: ("0", ""),
            SEEDS: ("1", ""),
        }

    def _fallback(self, store: Store, basis: Basis) -> dict[str, tuple[str, str]]:
        try:
            return self._in_force(resolve_here(store, {}, basis), Entered({}))
        except ConfigError:
            return {}

    def _configs(
        self, store: Store, values: dict[str, str], basis: Basis, seeds: int | None, first: Resolved
    ) -> list[RunConfig]:
        known = self._grid
        if known is not None and (known.values, known.basis, known.seeds, known.first) == (values, basis, seeds, first):
            return known.configs
        configs = grid_configs(store, with_seeds(values, first.config.seed, seeds), basis)
        self._grid = _Grid(values, basis, seeds, first, configs)
        return configs


def _first(values: Mapping[str, str]) -> dict[str, str]:
    """The first combination of values of which each is right by itself, however many there are."""
    return {name: sweeps.values_of(name, text)[0] for name, text in values.items()}


def _about_runs(entered: Entered) -> tuple[dict[str, str], Labels, int | None]:
    problems: dict[str, str] = {}
    texts = entered.texts
    name = texts.get(NAME)
    tags = tuple(texts.get(TAGS, "").replace(",", " ").split())
    if PRESET in texts and texts[PRESET] not in PRESETS:
        problems[PRESET] = f"choose one of {', '.join(PRESETS)}"
    try:
        name = valid_name(name) if name is not None else None
    except ConfigError as error:
        problems[NAME] = str(error)
    try:
        for tag in tags:
            valid_tag(tag)
    except ConfigError as error:
        problems[TAGS] = str(error)
    try:
        priority = valid_priority(int(texts.get(PRIORITY, "0")))
    except ValueError:
        priority, problems[PRIORITY] = 0, "give a whole number"
    except ConfigError as error:
        priority, problems[PRIORITY] = 0, str(error)
    try:
        seeds = int(texts[SEEDS]) if SEEDS in texts else None
        with_seeds({"seed": texts.get("seed", "")}, 0, seeds)
    except ValueError:
        seeds, problems[SEEDS] = None, "give a whole number"
    except ConfigError as error:
        seeds, problems[SEEDS] = None, str(error)
    return problems, Labels(name, tags, priority, entered.again), seeds


def _wrong_values(values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a field's values whatever the others are."""
    problems = {}
    for name, text in values.items():
        try:
            found = (field_problem(name, value) for value in sweeps.values_of(name, text))
            problem = next((one for one in found if one is not None), None)
            if problem is None and name == "init":
                problem = _missing_file(text)
        except ConfigError as error:
            problem = str(error)
        if problem is not None:
            problems[name] = problem
    return problems


def _missing_file(text: str) -> str | None:
    for value in sweeps.values_of("init", text):
        if value not in ("auto", "imagenet", "random") and not _is_file(Path(absolute_init(value))):
            return f"there is no file {value}; give imagenet, random or a weights file"
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _wrong_data(text: str, registered: list[str]) -> dict[str, str]:
    gone = [name for name in sweeps.values_of("data", text) if name not in registered]
    return {"data": f"there is no data set {gone[0]!r}; there is {', '.join(registered)}"} if gone else {}


def _refuse_names(store: Store, names: list[str]) -> None:
    if len(names) > 1:
        valid_name(names[-1])
    taken = store.runs.taken_names(names)
    if taken:
        raise ConfigError(f"name: there is a run named {taken[0]!r} already; choose another")


def _with_error(checked: Checked, error: AgeUIError) -> Checked:
    """The same with an error at the fields that it is about, or as what is wrong with none of them."""
    found = {"device": str(error)} if isinstance(error, DeviceError) else _by_field(error, checked.entered.values)
    trouble = checked.trouble if found else checked.trouble or str(error)
    return replace(checked, problems={**found, **checked.problems}, trouble=trouble)


def _by_field(error: AgeUIError, values: Mapping[str, str]) -> dict[str, str]:
    """Each line of an error by the field it is about; nothing where it is about something else."""
    problems: dict[str, str] = {}
    for line in str(error).splitlines():
        name = line.removeprefix("the ").replace(":", " ").split(" ", 1)[0].removeprefix("--")
        if line.startswith("there is no data set"):
            name = "data"
        if name not in values:
            name = next((bound for bound in _BOUND_BY.get(name, ()) if bound in values), name)
        if name in RunConfig.model_fields or name in ABOUT_RUNS:
            problems.setdefault(name, line)
    return problems
