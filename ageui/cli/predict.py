"""`ageui predict`: predicts the ages in image files, with intervals calibrated on the run's stored predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ageui.cli.completion import runs
from ageui.cli.options import AsJson, Database, DeviceToUse, open_store, print_json
from ageui.console.consoles import messages
from ageui.text.sentences import counted

SHOWN = 20
DRAWN = "warning: the run was trained on drawn faces; its ages and intervals say nothing about people"
UNLIKE_TRAINING = (
    "warning: these faces were cropped to their boxes with a margin, but the run was trained on images as they are; if "
    "faces have another size in those, ages and intervals are wrong"
)

if TYPE_CHECKING:
    from ageui.cli.age_calibration import AgeCalibration
    from ageui.derive.prediction_weights import PredictionWeights
    from engine.predict import PredictedAge


def predict_images(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images of faces, or folders.")],
    reference: Annotated[str, typer.Option("--run", metavar="RUN", help="Trained run to use.", autocompletion=runs)],
    find_faces: Annotated[
        bool | None,
        typer.Option(
            "--find-faces/--no-find-faces",
            help="Find all faces in each photo, or treat each image as one face (default: as in training).",
            show_default=False,
        ),
    ] = None,
    device: DeviceToUse = "auto",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Predict ages in images with a trained run, with 90% intervals.

    Runs with crop aligned, or on data added with --crop, find all faces in each image and crop them as in training.
    They print a line per face with its box: left, top, right, bottom in pixels. Other runs do so with --find-faces;
    otherwise they crop each image to its central square, which the face should fill as in the training images.

    Intervals are calibrated on the run's predictions for its test split, or for its validation split if the test split
    has no labels. An ensemble or a calibrated run needs the weights of all its source runs, uses the fit to all images
    of its split, and finds faces if a source run does.

    Folders are searched for images; hidden files and other files are skipped. Small or oblong images get a warning.
    If a file is unreadable or shows no face, the command names it, predicts the others, and exits with 3.

        ageui predict face.jpg --run first
        ageui predict photos --run first --json
        ageui predict family.jpg --run first --find-faces
    """
    from ageui.cli.age_calibration import age_calibration
    from ageui.console.progress import count_progress
    from ageui.derive.prediction_weights import prediction_weights
    from ageui.text.clean import clean
    from engine.data.image_files import chosen_images
    from engine.number_text import number_text

    with open_store(db, read_only=True) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        weights = prediction_weights(store, detail)
        calibration = age_calibration(detail, store.scores.predictions)
    chosen = chosen_images(images)
    on_photos = bool(detail.data_spec.get("photos"))
    from engine.data.make_faces import are_drawn
    from engine.data.spec import DataSpec
    from engine.predict import PredictedAge, predict_files  # imports torch, so only after the run was found

    console = messages()
    finds = _finds_faces(find_faces, on_photos, weights)
    by_run: dict[int, list[PredictedAge]] = {}
    for trained in weights.trained():
        with count_progress(console) as progress:
            by_run[trained.run.id] = predict_files(
                trained.file,
                chosen.images,
                sha256=trained.sha256,
                device=device,
                precision=trained.precision,
                find_faces=finds,
                progress=progress,
            )
    found = _combined(weights, by_run)
    found += [PredictedAge(path, None, problem) for path, problem in chosen.problems]
    if as_json:
        print_json([_entry(one, calibration) for one in found])
    else:
        for one in found:
            if one.years is not None:
                years = number_text(one.years, "{:.1f}".format)
                typer.echo(f"{years:>5}{_range(calibration.around(one.years))}  {clean(str(one.path))}{_box(one)}")
    paths, with_age = {one.path for one in found}, {one.path for one in found if one.years is not None}
    is_unlike_training = finds and not on_photos and any(_crop(one) == "as-is" for one in weights.trained())
    for line in [
        calibration.sentence if with_age else "",
        DRAWN if with_age and are_drawn(DataSpec.model_validate(detail.data_spec)) else "",
        UNLIKE_TRAINING if is_unlike_training else "",
        detail.derived_from.note if with_age and detail.derived_from else "",
        *_shown([f"warning: {one.path}: {warning}" for one in found for warning in one.warnings], "warnings"),
        *_shown([f"{one.path}: {one.problem}" for one in found if one.problem], "that cannot be predicted"),
        chosen.skipped_text,
        f"{len(with_age):,} of {counted(len(paths), 'image')} predicted" if len(with_age) < len(paths) > 1 else "",
    ]:
        if line:
            console.print(clean(line), soft_wrap=True)
    if any(one.years is None for one in found):
        raise typer.Exit(3)


def _finds_faces(asked: bool | None, on_photos: bool, weights: "PredictionWeights") -> bool:
    """Whether to find faces; all source runs of a derived run predict the same faces."""
    return asked if asked is not None else on_photos or any(_crop(one) == "aligned" for one in weights.trained())


def _crop(trained: "PredictionWeights") -> str:
    return str(trained.run.config.get("crop", "as-is"))


def _combined(weights: "PredictionWeights", by_run: "Mapping[int, Sequence[PredictedAge]]") -> "list[PredictedAge]":
    """A run's predicted ages, from the predictions of its trained source runs for the same files."""
    import numpy as np

    first = next(iter(by_run.values()))
    read = [place for place, one in enumerate(first) if one.years is not None]
    years = {run: np.array([found[place].years for place in read], dtype=np.float64) for run, found in by_run.items()}
    ages = dict(zip(read, weights.ages(years).tolist(), strict=True))
    return [replace(one, years=ages.get(place)) for place, one in enumerate(first)]


def _shown(lines: list[str], what: str) -> list[str]:
    """The first lines and the number of further ones."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"… and {more:,} more {what}; --json lists all"] if more > 0 else lines


def _box(one: "PredictedAge") -> str:
    return f"  {','.join(map(str, one.box))}" if one.box else ""


def _range(ends: list[float] | None) -> str:
    return f"  {ends[0]:5.1f} to {ends[1]:5.1f}" if ends else ""


def _entry(one: "PredictedAge", calibration: "AgeCalibration") -> dict[str, Any]:
    return {
        "image": str(one.path),
        "box": one.box,
        "years": one.years,
        "interval": calibration.around(one.years),
        "coverage": calibration.coverage,
        "calibrated_on": calibration.split,
        "problem": one.problem,
        "warnings": one.warnings,
    }
