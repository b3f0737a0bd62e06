"""The weights for a run's predictions, its own or those of all its source runs, and their arithmetic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ageui.store import CheckpointRow, RunDetail, Store
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

    def ages(self, by_run: "Mapping[int, NDArray[np.float64]]") -> "NDArray[np.float64]":
        """Predicted ages (N,) in years, from the ages that the trained runs predict, by run id."""
        if self.run.derived_from is None:
            return by_run[self.run.id]
        import numpy as np

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


def precision_of(detail: "RunDetail") -> "Precision":
    """The arithmetic of the run's newest attempt; `auto` if no attempt started to train."""
    manifests = [attempt.manifest for attempt in detail.attempts if attempt.manifest]
    found: Precision = manifests[-1]["dtype"] if manifests else "auto"
    return found


def kept_weights(detail: "RunDetail") -> "CheckpointRow":
    """The run's kept weights. Raises `DataError` for a run without weights."""
    if detail.derived_from is not None:
        names = detail.derived_from.source_names
        raise DataError(
            f"run {detail.id} ({detail.name}) has no weights of its own; name one of its source runs: {names}"
        )
    if detail.row.is_published:
        raise DataError(f"run {detail.id} ({detail.name}) was not trained here, so it has no weights; name another run")
    if detail.kept is None:
        raise DataError(
            f"run {detail.id} ({detail.name}, {detail.status}) has no weights: "
            + (
                "they were removed, or the run was copied without its files"
                if detail.status == "done"
                else "a run writes them when it ends or stops, after at least one epoch with a finite loss"
            )
        )
    return detail.kept
