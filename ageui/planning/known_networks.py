"""The networks that runs can use here: cached checks, and checks of the others."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from subprocess import Popen
from typing import Final

from ageui.store import NewRun
from engine.checked_networks import CheckedNetwork, NetworkFacts, NetworkKey, check_networks, known_network
from engine.choices import IMAGENET
from engine.config import RunConfig
from engine.errors import AgeUIError, ConfigError, DataError, Problem

_KINDS: Final = {kind.failure: kind for kind in (ConfigError, DataError)}


class KnownNetworks:
    """Looks up the networks of configs, and remembers the results.

    `check` checks missing networks in a few seconds. Call all other methods from one thread at a time.
    """

    def __init__(self) -> None:
        self._checked: dict[NetworkKey, CheckedNetwork | None] = {}

    def missing(self, runs: Sequence[NewRun]) -> tuple[NetworkKey, ...]:
        """The networks of runs that were never checked, or whose weights file changed since."""
        return tuple(key for key in _keys(runs) if self._of(key) is None)

    def check(
        self, missing: Sequence[NetworkKey], begun: Callable[[Popen[bytes]], None] = lambda process: None
    ) -> None:
        """Checks networks in a separate process; `begun` receives it, to be able to kill it.

        The engine finds the problems of a network that could not be checked.
        """
        answers: list[CheckedNetwork] = []
        with suppress(OSError):  # no process could be started
            answers = check_networks(missing, begun)
        self._checked |= {key: CheckedNetwork(key=key) for key in missing} | {one.key: one for one in answers}

    def refusal(self, config: RunConfig) -> AgeUIError | None:
        """The reason why no run can use a config's network or first weights; None if none is known."""
        found = self._of(NetworkKey.of(config))
        if found is None or found.failure not in _KINDS:
            return None
        return _KINDS[found.failure](problems=[Problem(found.field, found.problem, ("size",))])

    def facts(self, config: RunConfig) -> NetworkFacts | None:
        """The sizes of a config's backbone; None if it was not checked."""
        found = self._of(NetworkKey.of(config))
        return found.facts if found is not None else None

    def loaded(self, runs: Sequence[NewRun]) -> tuple[str, ...]:
        """Sentences about the tensors that would be loaded from weights files."""
        keys = (key for key in _keys(runs) if key.init != IMAGENET)
        return tuple(dict.fromkeys(one.sentence for one in map(self._of, keys) if one is not None and one.sentence))

    def warnings(self, runs: Sequence[NewRun]) -> tuple[str, ...]:
        """Sentences about possible mistakes in the choice of first weights."""
        found = (one for one in map(self._of, _keys(runs)) if one is not None)
        return tuple(dict.fromkeys(text for one in found for text in one.warnings))

    def _of(self, key: NetworkKey) -> CheckedNetwork | None:
        if key not in self._checked:
            self._checked[key] = known_network(key)
        return self._checked[key]


def _keys(runs: Sequence[NewRun]) -> list[NetworkKey]:
    return list(dict.fromkeys(NetworkKey.of(run.config) for run in runs))
