"""`ageui predict`: reads ages from image files with a trained run's weights, with intervals from its predictions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ageui.cli.completion import runs
from ageui.cli.export import kept_weights, precision_of
from ageui.cli.options import AsJson, Database, DeviceToUse, messages, open_store, print_json
from ageui.text.sentences import counted

SHOWN = 20
UNLIKE_TRAINING = (
    "warning: faces were cropped to their boxes with a margin, but the run was trained on images as they are: if those "
    "show faces in another size, ages and intervals are off"
)

if TYPE_CHECKING:
    from ageui.cli.age_calibration import AgeCalibration
    from engine.predict import PredictedAge


def predict_images(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images of faces, or folders.")],
    reference: Annotated[
        str, typer.Option("--run", metavar="RUN", help="The trained run to use.", autocompletion=runs)
    ],
    find_faces: Annotated[
        bool | None,
        typer.Option(
            "--find-faces/--no-find-faces",
            help="Find all faces of each photo, or take each image for one face; else as the run was trained.",
            show_default=False,
        ),
    ] = None,
    device: DeviceToUse = "auto",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Predict the age in each image with a trained run, and a 90% interval.

    A run with crop aligned, or on data added with --crop, finds all faces of each image and crops them as in training:
    a line per face, with its box (left, top, right, bottom in pixels). Other runs do so with --find-faces; else images
    are cropped to their central square and resized as in training, and a face should fill them as it fills the
    training images.

    Folders are searched for images; hidden files and those of other kinds are skipped. Images too
    small or too oblong for a face crop are predicted with a warning. Intervals are calibrated on the run's predictions
    of its test split, or of its validation split if the test split has no labels. A file that cannot be read, or
    shows no face, is named on stderr, the others are still predicted, and the exit code is 3.

        ageui predict face.jpg --run first
        ageui predict photos --run first --json
        ageui predict family.jpg --run first --find-faces
    """
    from ageui.cli.age_calibration import age_calibration
    from ageui.cli.progress import count_progress
    from ageui.text.clean import clean
    from engine.data.image_files import chosen_images
    from engine.number_text import number_text

    with open_store(db, read_only=True) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        checkpoint = kept_weights(detail)
        weights = store.checkpoint_file(checkpoint)
        calibration = age_calibration(detail, store.scores.predictions)
    chosen = chosen_images(images)
    on_photos = bool(detail.data_spec.get("photos"))
    from engine.predict import PredictedAge, predict_files  # torch: only once the run is known

    console = messages()
    with count_progress(console) as progress:
        found = predict_files(
            weights,
            chosen.images,
            sha256=checkpoint.sha256,
            device=device,
            precision=precision_of(detail),
            find_faces=True if find_faces is None and on_photos else find_faces,
            progress=progress,
        )
    found += [PredictedAge(path, None, problem) for path, problem in chosen.problems]
    if as_json:
        print_json([_entry(one, calibration) for one in found])
    else:
        for one in found:
            if one.years is not None:
                years = number_text(one.years, "{:.1f}".format)
                typer.echo(f"{years:>5}{_range(calibration.around(one.years))}  {clean(str(one.path))}{_box(one)}")
    predicted = sum(one.years is not None for one in found)
    is_unlike_training = find_faces and not on_photos and detail.config.get("crop", "as-is") == "as-is"
    for line in [
        calibration.sentence if predicted else "",
        UNLIKE_TRAINING if is_unlike_training else "",
        *_shown([f"warning: {one.path}: {warning}" for one in found for warning in one.warnings], "warnings"),
        *_shown([f"{one.path}: {one.problem}" for one in found if one.problem], "that cannot be predicted"),
        chosen.skipped_text,
        f"{predicted:,} of {counted(len(found), 'image')} predicted" if predicted < len(found) > 1 else "",
    ]:
        if line:
            console.print(clean(line), soft_wrap=True)
    if predicted < len(found):
        raise typer.Exit(3)


def _shown(lines: list[str], what: str) -> list[str]:
    """The first lines, and the number of the others."""
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
