"""The course's arrays: read as they were given out, and refused if they are damaged, too large or hold objects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data.manifest import Manifest
from engine.data.sources import detect_format, load_manifest
from engine.data.spec import DataSpec
from engine.errors import DataError


def _load(folder: Path, age_scale: float | None = None) -> Manifest:
    return load_manifest(DataSpec(name="it", format="course", path=str(folder), age_scale=age_scale))


def test_the_courses_arrays_are_turned_from_bgr_to_rgb(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "data_train.npy", pixels)
    np.save(tmp_path / "labels_train.npy", np.array([1.5, 30.0, 77.0]))
    metadata = [["male", "caucasian", "happy"], ["female", "asian", "other"], ["male", "afroamerican", "neutral"]]
    np.save(tmp_path / "meta_data_train.npy", np.array(metadata))
    np.save(tmp_path / "data_test.npy", pixels[:1])
    manifest = _load(tmp_path)
    assert detect_format(tmp_path) == "course"
    groups = manifest.frame[["split", "gender", "ethnicity", "expression"]]
    assert groups[:3].to_numpy().tolist() == [["train", *row] for row in metadata]
    np.testing.assert_array_equal(manifest.frame["age"], [1.5, 30.0, 77.0, np.nan])
    np.testing.assert_array_equal(manifest.read("train/1"), pixels[1][..., [2, 1, 0]])


def test_labels_that_were_divided_by_100_are_read_with_their_scale(tmp_path: Path) -> None:
    np.save(tmp_path / "data_train.npy", np.zeros((2, 8, 8, 3), dtype=np.uint8))
    np.save(tmp_path / "labels_train.npy", np.array([[0.25], [0.775]], dtype=np.float32))
    assert _load(tmp_path, 100.0).frame["age"].tolist() == pytest.approx([25.0, 77.5])


def test_arrays_of_python_objects_are_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "data_train.npy", np.zeros((1, 8, 8, 3), dtype=np.uint8))
    np.save(tmp_path / "meta_data_train.npy", np.array([["male", None, "x"]], dtype=object))
    with pytest.raises(DataError, match=r"meta_data_train\.npy holds Python objects.*convert it once"):
        _load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_files_that_are_no_whole_arrays_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data_train.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"data_train\.npy is not a complete \.npy file"):
        _load(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("data_train", np.zeros((2, 8, 8, 3)), "holds float64"),
        ("data_train", np.zeros((2, 8, 8), dtype=np.uint8), "but must hold uint8"),
        ("labels_train", np.zeros(3), r"has shape \(3,\)"),
        ("meta_data_train", np.zeros((2, 2), dtype=str), r"has shape \(2, 2\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, name: str, array: Any, said: str) -> None:
    np.save(tmp_path / "data_train.npy", np.zeros((2, 8, 8, 3), dtype=np.uint8))
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(DataError, match=said):
        _load(tmp_path)


def _npy(header: str) -> bytes:
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


def _header(shape: str, kind: str = "|u1") -> bytes:
    return _npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_header("(1000000000000, 224, 224, 3)"), "its header says uint8 of shape"),
        (_header("(4294967296, 4294967296, 4, 3)") + bytes(12), "its header says uint8 of shape"),
        (_header("(1000000000000, 0, 224, 3)"), "its header says uint8 of shape"),
        (_header("(-1, -1, 4, 3)") + bytes(12), "its header says uint8 of shape"),
        (_npy("(" * 100), "is not a complete .npy file"),
        (_npy("-" * 110 + "1"), "is not a complete .npy file"),
        (b"PK\x03\x04" + bytes(100), r"it is an \.npz archive; save each of its arrays with np\.save"),
    ],
)
def test_an_array_that_its_file_cannot_hold_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "data_train.npy").write_bytes(content)
    with pytest.raises(DataError, match=said):
        _load(tmp_path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_text_of_characters_that_do_not_exist_is_named(tmp_path: Path, order: str) -> None:
    np.save(tmp_path / "data_train.npy", np.zeros((1, 8, 8, 3), dtype=np.uint8))
    content = np.array([0x110000] * 3, dtype=f"{order}u4").view(f"{order}U1").reshape(1, 3)
    np.save(tmp_path / "meta_data_train.npy", content)
    with pytest.raises(DataError, match=r"meta_data_train\.npy is damaged: its text has invalid characters"):
        _load(tmp_path)
