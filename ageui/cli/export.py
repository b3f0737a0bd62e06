"""`ageui export`: writes a run's predictions or weights to files, or a run for another tool."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import words
from ageui.cli.export_to import TOOLS, Target, check_target, export_to
from ageui.cli.options import Database, Reference, open_store
from ageui.cli.output import Force, refuse_target, write_output
from ageui.cli.predictions_table import predictions_frame, predictions_text
from ageui.console.consoles import messages
from ageui.derive.prediction_weights import kept_weights
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.store import RunDetail, Store


def export_run(
    reference: Reference,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write predictions to a .csv, .tsv or .parquet file.", show_default=False),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Copy the weights to a .safetensors file.", show_default=False)
    ] = None,
    tool: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="|".join(TOOLS),
            help="Write the run for another tool.",
            autocompletion=words(*TOOLS),
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH|URL",
            show_default=False,
            help="File, folder, or server for --to (mlflow: $MLFLOW_TRACKING_URI).",
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Experiment of the MLflow server (default: ageui).", show_default=False),
    ] = None,
    with_image_names: Annotated[
        bool, typer.Option("--with-image-names", help="Add predictions with image names (mlflow, hub).")
    ] = False,
    force: Force = False,
    db: Database = None,
) -> None:
    """Export a run's predictions or weights, or the run for another tool.

    Predictions have the columns split, image, age, predicted (years) and one per attribute. In CSV, text that a
    spreadsheet would run as a formula gets a leading ', which ageui removes on reading; Parquet is exact. Beside the
    weights, the command writes a script, FILE.py, that predicts in PyTorch and torchvision without ageui.

    With --to, tensorboard, mlflow and hub get curves, scores, settings or a model card; onnx and torch one file that
    takes RGB images (N, S, S, 3) uint8 of the run's size S and gives ages. Host, user, paths and notes stay out, and
    image names unless you add --with-image-names. See ageui explain exchange. Only you can read the files.

        ageui export first --predictions predictions.csv
        ageui export first --weights first.safetensors
        ageui export first --to onnx --output first.onnx
    """
    from engine.errors import ConfigError

    if tool is None and (output is not None or experiment is not None or with_image_names):
        raise ConfigError("--output, --experiment and --with-image-names need --to; choose one of " + ", ".join(TOOLS))
    if predictions is None and weights is None and tool is None:
        raise ConfigError("nothing to export; add --predictions FILE, --weights FILE, or --to TOOL")
    target = Target(tool, output, experiment, with_image_names, force) if tool is not None else None
    if target is not None:
        check_target(target)
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
        if target is not None:
            export_to(store, detail, target)


def _write_predictions(store: "Store", detail: "RunDetail", path: Path) -> None:
    import io

    frame = predictions_frame(store, detail)
    if path.suffix == ".parquet":
        content = io.BytesIO()
        frame.to_parquet(content, index=False)
        written = content.getvalue()
    else:
        written = predictions_text(frame, "\t" if path.suffix == ".tsv" else ",")
    write_output(path, written, private=True)
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
