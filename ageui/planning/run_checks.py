"""Checks runs against their data, network, first weights and device on this machine before they are queued."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ageui.devices import resolve_device
from ageui.planning.known_networks import KnownNetworks
from ageui.store import NewRun
from ageui.worker.background_workers import refuse_missing_device
from engine.config import RunConfig
from engine.data.known_data import KnownData, data_problems, data_warnings, known_data
from engine.errors import AgeUIError, ConfigError, DeviceError, Problem
from engine.lone_values import lone_values_problem
from engine.paths import cache_folder
from engine.pretraining import untrained_problem

_CHECKED = (
    "target", "weights", "loss", "backbone", "size", "init", "precision", "device", "batch", "last_batch", "strategy",
    "epochs", "bn", "augment", "crop", "widths", "standardize", "group_dro_loss",
)  # fmt: skip
"""The fields that decide the checks."""


def refuse_unfit(runs: Sequence[NewRun], networks: KnownNetworks) -> None:
    """Raises an error with all reasons why runs would fail on this machine, so that none is queued.

    Names each reason once, with the number of runs concerned. Leaves problems of images, and of networks not checked
    yet, to the engine.

    Raises
    ------
    ConfigError, DataError, DeviceError
        The first of these kinds that occurs.
    """
    found: dict[str, AgeUIError] = {}
    concerned: Counter[str] = Counter()
    checks = _Checks(networks)
    for run in runs:
        errors = checks.errors(run)
        found |= errors
        concerned.update(errors.keys())
    if not found:
        return
    worst = min(found.values(), key=lambda error: error.exit_code)
    problems = []
    for text, error in found.items():
        share = _share(concerned[text], len(runs))
        problems += [problem._replace(text=f"{problem.text}{share}") for problem in error.problems]
    raise type(worst)(problems=problems)


def label_warnings(runs: Sequence[NewRun]) -> list[str]:
    """Sentences about labels that some runs handle badly, each with the number of these runs."""
    data: dict[tuple[int, str], KnownData] = {}
    concerned: Counter[str] = Counter()
    for run in runs:
        key = (id(run.spec), run.config.target)
        if key not in data:
            data[key] = known_data(run.spec, run.config.target, cache_folder())
        concerned.update(data_warnings(run.config, data[key]))
    return [text + _share(count, len(runs)) for text, count in concerned.items()]


def _share(concerned: int, runs: int) -> str:
    return "" if concerned == runs else f" ({concerned:,} of {runs:,} runs)"


class _Checks:
    """The reasons why runs would fail. Runs with equal `_CHECKED` fields are checked once."""

    def __init__(self, networks: KnownNetworks) -> None:
        self._networks = networks
        self._data: dict[tuple[int, str], KnownData] = {}
        self._errors: dict[tuple[object, ...], dict[str, AgeUIError]] = {}

    def errors(self, run: NewRun) -> dict[str, AgeUIError]:
        """The errors, by text."""
        key = (id(run.spec), *(getattr(run.config, field) for field in _CHECKED))
        if key not in self._errors:
            self._errors[key] = {str(error): error for error in self._checked(run)}
        return self._errors[key]

    def _checked(self, run: NewRun) -> Iterator[AgeUIError]:
        config, key = run.config, (id(run.spec), run.config.target)
        if key not in self._data:
            self._data[key] = known_data(run.spec, config.target, cache_folder())
        yield from data_problems(config, self._data[key])
        if (text := untrained_problem(config)) is not None:
            yield ConfigError(problems=[Problem("epochs", text, ("init", "backbone", "head", "loss"))])
        if (refusal := self._networks.refusal(config)) is not None:
            yield refusal
        yield from self._lone_values(config, self._data[key].train_images)
        try:
            refuse_missing_device(resolve_device(config.device))
        except DeviceError as error:
            yield DeviceError(problems=[Problem("device", str(error))])

    def _lone_values(self, config: RunConfig, images: int | None) -> Iterator[AgeUIError]:
        """Checks batch norm, unless the number of images is unknown or augmentation changes it."""
        facts = self._networks.facts(config)
        is_counted = images is not None and config.augment != "report"
        if facts is None or not (is_counted or config.batch == 1):
            return
        text = lone_values_problem(config, images or 0, needs_pairs=facts.needs_pairs)
        if text is not None:
            yield ConfigError(problems=[Problem("size", text, ("batch", "backbone"))])
