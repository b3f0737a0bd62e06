"""Writes synthetic faces to files, in the format of the course's image folders."""

import shutil
import tempfile
from pathlib import Path

from PIL import Image

from engine.data.manifest import Progress
from engine.data.sources import synthetic
from engine.data.spec import DataSpec, SyntheticOptions
from engine.data.threads import in_threads
from engine.errors import DataError

QUALITY = 95
NOTE = "drawn-faces.txt"
"""The file that marks drawn faces: next to the labels, in a folder that `make_faces` wrote."""


def make_faces(folder: Path, options: SyntheticOptions, progress: Progress | None = None) -> None:
    """Writes `{split}_data/NNNNNN.jpg`, `labels_metadata_{split}.csv` and a note into a new folder, all or nothing.

    Raises `DataError` if the folder is not empty, or the disk is full.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} exists and is not empty; choose a new folder")
    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
        try:
            _write(part, options, progress or (lambda what, done, total: None))
            part.chmod(0o755)
            if target.exists():
                target.rmdir()
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error


def are_drawn(spec: DataSpec) -> bool:
    """Whether the data set holds drawn faces: the built-in faces, or files next to the note of `make_faces`."""
    if spec.path is None:
        return spec.format == "synthetic"
    path = Path(spec.path)
    return ((path.parent if spec.format == "table" else path) / NOTE).is_file()


def _write(folder: Path, options: SyntheticOptions, progress: Progress) -> None:
    manifest = synthetic.load(DataSpec(name="faces", format="synthetic", synthetic=options))
    (folder / NOTE).write_text(f"drawn by ageui data make; these are no photos\n{options.model_dump_json()}\n")
    frame = manifest.frame
    names = [f"{int(image.partition('/')[2]) + 1:06d}" for image in frame["image"]]
    for split, part in frame.assign(imageId=names).groupby("split", sort=False):
        (folder / f"{split}_data").mkdir()
        table = part.rename(columns={"expression": "emotion"})[["imageId", "age", "gender", "ethnicity", "emotion"]]
        table.to_csv(folder / f"labels_metadata_{split}.csv", index=False)
    images = [str(image) for image in frame["image"]]
    for done, (image, name, pixels) in enumerate(
        zip(images, names, in_threads(manifest.read, images), strict=True), start=1
    ):
        split = image.partition("/")[0]
        Image.fromarray(pixels).save(folder / f"{split}_data" / f"{name}.jpg", quality=QUALITY)
        progress("drawing faces", done, len(images))
