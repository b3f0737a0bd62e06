"""The weights for a run's predictions: its own, or those of all its source runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ageui.derive.run_weights import kept_weights, precision_of
from engine.errors import DataError

if TYPE_CHECKING:
    from ageui.store import RunDetail, Store
    from engine.choices import Precision


@dataclass(frozen=True)
class PredictionWeights:
    """A trained run with its weights in `path`, or a derived run with its sources."""

    run: "RunDetail"
    path: Path | None
    sources: "tuple[PredictionWeights, ...]"

    @property
    def file(self) -> Path:
        assert self.path is not None
        return self.path

    @property
    def sha256(self) -> str:
        return kept_weights(self.run).sha256

    @property
    def precision(self) -> "Precision":
        return precision_of(self.run)

    def trained(self) -> "Iterator[PredictionWeights]":
        """The run itself if it was trained, else its trained source runs."""
        if self.path is not None:
            yield self
        for source in self.sources:
            yield from source.trained()

    def ages(self, by_run: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Predicted ages (N,) in years, from the ages that the trained runs predict, by run id."""
        if self.run.derived_from is None:
            return by_run[self.run.id]
        return self.run.derived_from.predict(np.stack([source.ages(by_run) for source in self.sources]))


def prediction_weights(store: "Store", run: "RunDetail") -> PredictionWeights:
    """The weights of a run. Raises `DataError` if the run or one of its source runs has none."""
    if run.derived_from is None:
        return PredictionWeights(run, store.checkpoint_file(kept_weights(run)), ())
    sources = []
    for source in run.derived_from.sources:
        if source.id is None:
            raise DataError(
                f"run {run.id} ({run.name}) cannot predict: it needs the weights of {source.name}, which was deleted "
                "or not imported; its scores stay, and its other sources can predict"
            )
        sources.append(prediction_weights(store, store.runs.detail(source.id)))
    return PredictionWeights(run, None, tuple(sources))
