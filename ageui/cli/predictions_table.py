"""The stored predictions of a run as a table for other programs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ageui.store import RunDetail, Store


def predictions_frame(store: "Store", detail: "RunDetail") -> "pd.DataFrame":
    """The stored predictions of a run on all splits. Raises `DataError` for a run without predictions."""
    from engine.errors import DataError

    frame = store.scores.predictions_frame(detail.id)
    if frame.empty:
        raise DataError(
            f"run {detail.id} ({detail.name}, {detail.status}) has no predictions: it was not scored, or they were "
            "deleted"
        )
    return frame.assign(pretraining=detail.pretraining) if detail.pretraining else frame


def predictions_text(frame: "pd.DataFrame", separator: str) -> bytes:
    """Predictions as a table of text that no spreadsheet runs."""
    from engine.csv_text import defused, with_text

    years = [str(years) for years in frame["predicted"].to_numpy()]  # pandas would leave NaN empty
    written: str = with_text(frame, defused).assign(predicted=years).to_csv(index=False, sep=separator)
    return written.encode()
