"""The record of how a derived run is made from other runs."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.derived_methods import method_of


@dataclass(frozen=True)
class Source:
    """A run behind a derived run, with its current name; `id` is None if it is not in this database."""

    uuid: str
    name: str
    id: int | None

    def __str__(self) -> str:
        return self.name if self.id is not None else f"{self.name} (not in this database)"


_COMMANDS: Final = {
    "mean": "ensemble", "blend": "ensemble", "slope": "calibrate", "isotonic": "calibrate", "folds": "folds",
}  # fmt: skip


@dataclass(frozen=True)
class DerivedFrom:
    """The way a derived run is made from its `sources`.

    `operation` and `options` are those of `engine.derived_methods`. `parameters` are given, or fitted to all images of
    the split `fitted_on`; the scores on that split are cross-fitted.
    """

    operation: str
    options: Mapping[str, Any]
    parameters: Sequence[Any]
    fitted_on: str | None
    sources: tuple[Source, ...]

    @property
    def command(self) -> str:
        """The command that makes the run again."""
        options = dict(self.options)
        parts = ["ageui", _COMMANDS[self.operation]]
        parts += [shlex.quote(source.name) for source in self.sources]
        if self.operation == "mean" and len(set(options["weights"])) > 1:
            parts.append(f"--weights {','.join(map(str, options['weights']))}")
        parts += {"blend": ["--fit"], "isotonic": ["--isotonic"]}.get(self.operation, [])
        parts += [f"--{name} {options[name]}" for name in ("slope", "on", "folds", "seed") if name in options]
        return " ".join(parts)

    @property
    def source_names(self) -> str:
        """The names of the sources, in a list."""
        return ", ".join(map(str, self.sources))

    @property
    def note(self) -> str:
        """How scores differ from the run's predictions for new faces; empty if they do not."""
        if self.operation == "folds":
            count = self.options["count"]
            return (
                f"out of fold: each image is scored by the one of {count} runs that was tested on it; new faces are "
                f"predicted with the mean of all {count}, which was not scored"
            )
        if self.fitted_on is None:
            return ""
        split, folds = self.fitted_on, self.options["folds"]
        return (
            f"fitted to {split}: its scores there are cross-fitted, in {folds} folds; new faces are predicted with the "
            f"fit to all of {split}"
        )

    def predict(self, sources: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predicted ages (N,) in years from those of the sources (S, N)."""
        method = method_of(self.operation, self.options)
        return np.asarray(method.apply([np.asarray(self.parameters, dtype=np.float64)], sources)[0])
