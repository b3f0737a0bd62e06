"""`ageui export`: writes a run's predictions or weights to files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import Database, Reference, messages, open_store
from ageui.cli.output import Force, refuse_target, write_output
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.store import CheckpointRow, RunDetail, Store
    from engine.choices import Precision


def export_run(
    reference: Reference,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write predictions to a .csv, .tsv or .parquet file.", show_default=False),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Copy the weights to a .safetensors file.", show_default=False)
    ] = None,
    force: Force = False,
    db: Database = None,
) -> None:
    """Export a run's predictions or weights.

    Predictions have the columns split, image, age, predicted (years) and one per attribute. age_low and age_high are
    the ends of an age range. pretraining warns that the first weights may have been pretrained on scored faces. In
    CSV, text that a spreadsheet would run as a formula gets a leading ', which ageui removes on reading; Parquet is
    exact.

    Beside the weights, the command writes a script, FILE.py, that predicts in PyTorch and torchvision without ageui.
    Only you can read the files, since they come from faces of people.

        ageui export first --predictions predictions.csv
        ageui export first --weights first.safetensors
    """
    from engine.errors import ConfigError

    if predictions is None and weights is None:
        raise ConfigError("nothing to export; add --predictions FILE, --weights FILE, or both")
    if predictions is not None and predictions.suffix not in (".csv", ".tsv", ".parquet"):
        raise ConfigError(f"--predictions {predictions}: end the name in .csv, .tsv or .parquet")
    if weights is not None and weights.suffix != ".safetensors":
        raise ConfigError(f"--weights {weights}: end the name in .safetensors")
    for path in (predictions, weights, _script_beside(weights) if weights is not None else None):
        refuse_target(path, force)
    with open_store(db, read_only=True) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        if predictions is not None:
            _write_predictions(store, detail, predictions)
        if weights is not None:
            _copy_weights(store, detail, weights)


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


def _write_predictions(store: "Store", detail: "RunDetail", path: Path) -> None:
    import io

    from engine.csv_text import defused, with_text
    from engine.errors import DataError

    frame = store.scores.predictions_frame(detail.id)
    if frame.empty:
        raise DataError(
            f"run {detail.id} ({detail.name}, {detail.status}) has no predictions: it was not scored, or they were "
            "deleted"
        )
    if detail.pretraining:
        frame = frame.assign(pretraining=detail.pretraining)
    content = io.BytesIO()
    if path.suffix == ".parquet":
        frame.to_parquet(content, index=False)
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        years = [str(years) for years in frame["predicted"].to_numpy()]  # pandas would leave NaN empty
        with_text(frame, defused).assign(predicted=years).to_csv(content, index=False, sep=separator)
    write_output(path, content.getvalue(), private=True)
    messages().print(f"{counted(len(frame), 'prediction')}: {path}", soft_wrap=True)


def _copy_weights(store: "Store", detail: "RunDetail", path: Path) -> None:
    from ageui.text.clean import clean
    from engine.errors import AgeUIError
    from engine.files import read_verified
    from engine.kept_weights import load_weights
    from engine.plain_prediction import plain_prediction

    script = _script_beside(path)
    checkpoint = kept_weights(detail)
    content = read_verified(store.checkpoint_file(checkpoint), checkpoint.sha256)
    write_output(path, content, private=True)
    console = messages()
    console.print(f"weights of epoch {checkpoint.epoch}, {checkpoint.bytes / 1e6:.1f} MB: {path}", soft_wrap=True)
    try:
        _, config = load_weights(store.checkpoint_file(checkpoint))
        text = plain_prediction(config, path.name, script.name, photos=bool(detail.data_spec.get("photos")))
    except AgeUIError as error:
        console.print(clean(f"cannot write a script that predicts with these weights: {error}"), soft_wrap=True)
        return
    write_output(script, text.encode(), private=True)
    console.print(f"to predict without ageui: python {script} FACE.jpg", soft_wrap=True)


def _script_beside(weights: Path) -> Path:
    return weights.with_name(f"{weights.name}.py")
