"""The course edition of APPA-REAL: the arrays of the starting kit, or the same data as folders of images."""

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.bounded_files import open_regular, problem_of
from engine.choices import SPLITS
from engine.data.image_files import is_image_name, is_trace
from engine.data.manifest import Manifest
from engine.data.sources.ages import AgeReader
from engine.data.sources.folder_manifest import folder_manifest
from engine.data.sources.ignore_list import ignore_list
from engine.data.sources.read_table import read_table
from engine.data.sources.source_rows import SourceRow, frame_of
from engine.data.spec import FORMAT_ATTRIBUTES, DataSpec
from engine.errors import DataError

ATTRIBUTES = FORMAT_ATTRIBUTES["course"]
_ARCHIVE = b"PK"
COLUMNS = ("imageId", "age", "gender", "ethnicity", "emotion")


def is_course(root: Path) -> bool:
    """Whether the folder holds a course edition, judged by the names of its files."""
    return _has_arrays(root) or any(os.path.lexists(root / f"labels_metadata_{split}.csv") for split in SPLITS)


def load(spec: DataSpec, root: Path) -> Manifest:
    """The manifest of either edition. If a split's labels are withheld, its ages are NaN."""
    if _has_arrays(root):
        return _load_arrays(spec, root)
    return folder_manifest(spec, root, _folder_rows(root), ATTRIBUTES)


def _folder_rows(root: Path) -> Iterator[SourceRow]:
    found = False
    for split in SPLITS:
        labels, images = root / f"labels_metadata_{split}.csv", _image_folder(root, split)
        if os.path.lexists(labels):
            found = True
            for record in read_table(labels, COLUMNS).to_dict("records"):
                attributes = {
                    "gender": record["gender"],
                    "ethnicity": record["ethnicity"],
                    "expression": record["emotion"],
                }
                yield SourceRow(f"{split}_data/{record['imageId']}.jpg", split, record["age"] or "nan", attributes)
        elif images.is_dir():
            found = True
            for name in sorted(os.listdir(images)):
                if is_image_name(name) and not is_trace(name):
                    yield SourceRow(f"{images.name}/{name}", split, None)
    if not found:
        raise DataError(f"{root} is not a course edition: it has no data_train.npy or labels_metadata_train.csv")


def _image_folder(root: Path, split: str) -> Path:
    """The folder of a split's images, in any capitals if only one folder fits."""
    folder = root / f"{split}_data"
    alike = [] if folder.is_dir() else [one for one in root.iterdir() if one.name.lower() == folder.name]
    return alike[0] if len(alike) == 1 else folder


def _has_arrays(root: Path) -> bool:
    return any(os.path.lexists(root / f"data_{split}.npy") for split in SPLITS)


@dataclass(frozen=True)
class _Arrays:
    """Images named like `train/17`, from memory-mapped arrays (N, H, W, 3) uint8 in BGR order."""

    root: Path
    images: dict[str, NDArray[Any]]

    def read(self, image: str) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self._bgr(image)[..., ::-1])

    def content(self, image: str) -> bytes:
        return self._bgr(image).tobytes()

    def fingerprint(self, image: str) -> str:
        path = self.root / f"data_{image.partition('/')[0]}.npy"
        found = path.stat()
        return f"{path} {image} {found.st_size} {found.st_mtime_ns}"

    def place(self, image: str) -> str:
        return image

    def _bgr(self, image: str) -> NDArray[np.uint8]:
        split, _, number = image.partition("/")
        return np.asarray(self.images[split][int(number)])


def _load_arrays(spec: DataSpec, root: Path) -> Manifest:
    rows: list[SourceRow] = []
    images: dict[str, NDArray[Any]] = {}
    for split in SPLITS:
        path = root / f"data_{split}.npy"
        if not os.path.lexists(path):
            continue
        pixels = _array(path)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3:
            raise DataError(f"{path} holds {pixels.dtype} of shape {pixels.shape}, but must hold uint8 (N, H, W, 3)")
        images[split] = pixels
        rows += _array_rows(root, split, len(pixels))
    ignored, ages = ignore_list(spec, root), AgeReader(spec.age_scale)
    frame, problems = frame_of(ignored.without(rows), ATTRIBUTES, reader=ages)
    notes = (*ages.notes(), *ignored.notes)
    return Manifest.of(spec.name, frame, ATTRIBUTES, _Arrays(root, images), problems=problems, notes=notes)


def _array_rows(root: Path, split: str, count: int) -> Iterator[SourceRow]:
    """The rows of a split; its ages (N,) and its gender, ethnicity, expression (N, 3) may each be withheld."""
    labels = _fitting_array(root / f"labels_{split}.npy", (count,))
    metadata = _fitting_array(root / f"meta_data_{split}.npy", (count, len(ATTRIBUTES)))
    for number in range(count):
        values = [] if metadata is None else [str(value) for value in metadata[number]]
        age = None if labels is None else labels[number]
        yield SourceRow(f"{split}/{number}", split, age, dict(zip(ATTRIBUTES, values, strict=False)))


def _fitting_array(path: Path, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The array of that shape, possibly with another axis of length 1; None without a file."""
    if not os.path.lexists(path):
        return None
    array = _array(path)
    if not _is_text(array):
        raise DataError(f"{path} is damaged: its text has invalid characters")
    if array.shape == (*shape, 1):
        array = array.reshape(shape)
    if array.shape != shape:
        raise DataError(f"{path} has shape {array.shape}, but the images beside it require {shape}")
    return array


def _is_text(array: NDArray[Any]) -> bool:
    """Whether all characters are valid, as Python requires; True for numbers."""
    if array.dtype.kind != "U" or not array.nbytes:
        return True
    codes = np.ascontiguousarray(array).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    return bool(codes.max() <= sys.maxunicode)


def _array(path: Path) -> NDArray[Any]:
    """The memory-mapped array of an `.npy` file. The header must fit the file's size."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            shape, dtype = _header(file, path)
            start = file.tell()
        fits = math.prod(shape) * dtype.itemsize == size - start
        if not fits or min(shape, default=0) < 0 or 0 in shape[1:]:
            raise ValueError(f"its header says {dtype} of shape {shape}, but it has {size - start:,} bytes of data")
        return npy.open_memmap(path, mode="r")
    except ValueError as error:
        raise DataError(f"{path} is not a complete .npy file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {problem_of(error)}") from error


def _header(file: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Reads the header: shape and type. Raises `ValueError` for a file of another format."""
    if file.read(len(_ARCHIVE)) == _ARCHIVE:
        raise ValueError("it is an .npz archive; save each of its arrays with np.save")
    file.seek(0)
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, _, dtype = read_header(file)
    except Exception:  # numpy passes on all errors of Python's parser
        raise ValueError("its header cannot be read") from None
    if dtype.hasobject:
        raise DataError(
            f"{path} holds Python objects, which could run code when read; convert it once where you trust it: "
            "np.save(path, np.load(path, allow_pickle=True).astype(str))"
        )
    return shape, dtype
