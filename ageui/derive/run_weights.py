"""The kept weights of a run that commands name, and the arithmetic that they were scored in."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageui.store import CheckpointRow, RunDetail
    from engine.choices import Precision


def precision_of(detail: "RunDetail") -> "Precision":
    """The arithmetic of the run's newest attempt; `auto` if no attempt started to train."""
    manifests = [attempt.manifest for attempt in detail.attempts if attempt.manifest]
    found: Precision = manifests[-1]["dtype"] if manifests else "auto"
    return found


def kept_weights(detail: "RunDetail") -> "CheckpointRow":
    """The run's kept weights. Raises `DataError` for a run without weights."""
    from engine.errors import DataError

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
