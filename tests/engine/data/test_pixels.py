"""The cache of decoded images: built once, whole or not at all, rebuilt when broken."""

import errno
import hashlib
import multiprocessing
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from image_bytes import huge_png
from PIL import Image

from engine.cache import kept_json, sealed_json
from engine.data.dataset import Dataset, prepare
from engine.data.decode import decode, to_square
from engine.data.pixels import DECODING
from engine.data.spec import DataSpec
from engine.errors import DataError

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_the_central_square_is_kept() -> None:
    np.testing.assert_array_equal(to_square(Image.fromarray(NOISE), 20), NOISE[:, 5:25])


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    random = np.random.default_rng(1)
    lines = ["image,age,split,gender"]
    for number in range(12):
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{number * 5},{'train' if number < 8 else 'valid'},{'mf'[number % 2]}")
    (folder / "t.csv").write_text("\n".join(lines))
    return folder


def _prepare(faces: Path, cache: Path, size: int = 32, skip_bad: bool = False) -> tuple[Dataset, list[str]]:
    """The data set, and what had to be done for it, with warnings."""
    done: list[str] = []
    spec = DataSpec(name="faces", format="table", path=str(faces / "t.csv"), skip_bad=skip_bad)
    progress = lambda what, part, total: done.append(what)  # noqa: E731
    return prepare(spec, "apparent", size, cache=cache, progress=progress, warn=done.append), done


def _square(image: Path, size: int) -> np.ndarray:
    return to_square(Image.fromarray(decode(image.read_bytes())), size)


def _all(dataset: Dataset) -> np.ndarray:
    return dataset.pixels[np.arange(12)]


def _expected(faces: Path, size: int = 32) -> np.ndarray:
    return np.stack([_square(faces / f"{number}.png", size) for number in range(12)])


def test_images_are_decoded_once_per_size(faces: Path, tmp_path: Path) -> None:
    first, work = _prepare(faces, tmp_path / "cache")
    assert "decoding images" in work
    np.testing.assert_array_equal(_all(first), _expected(faces))
    again, no_work = _prepare(faces, tmp_path / "cache")
    assert no_work == []
    np.testing.assert_array_equal(_all(again), _all(first))
    other, _ = _prepare(faces, tmp_path / "cache", size=48)
    assert other.pixels.shape == (12, 48, 48, 3)
    assert other.pixels_key != first.pixels_key
    assert other.content_hash == first.content_hash
    assert again.rows("valid").tolist() == [8, 9, 10, 11]
    assert again.splits() == {"train": {"images": 8, "labelled": 8}, "valid": {"images": 4, "labelled": 4}}


def test_a_changed_image_or_label_is_another_data_set(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save(faces / "3.png")
    changed, work = _prepare(faces, tmp_path / "cache")
    assert "decoding images" in work
    assert _all(changed)[3].max() == 0
    assert changed.content_hash != first.content_hash
    table = faces / "t.csv"
    table.write_text(table.read_text().replace("5.png,25", "5.png,26"))
    relabelled, work = _prepare(faces, tmp_path / "cache")
    assert work == []
    assert relabelled.pixels_key == changed.pixels_key
    assert relabelled.content_hash != changed.content_hash


def test_the_same_images_elsewhere_share_the_cache(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    moved = faces.rename(tmp_path / "moved")
    again, work = _prepare(moved, tmp_path / "cache")
    assert "decoding images" not in work
    assert again.content_hash == first.content_hash


def _cut(folder: Path) -> None:
    with (folder / "pixels.npy").open("r+b") as file:
        file.truncate(2000)


def _lengthen(folder: Path) -> None:
    with (folder / "pixels.npy").open("ab") as file:
        file.write(b"more")


def _forget(folder: Path) -> None:
    (folder / "checksums.json").unlink()


def _garble(folder: Path) -> None:
    file = folder / "checksums.json"
    file.write_bytes(file.read_bytes().replace(b"1", b"2"))


def _other_shape(folder: Path) -> None:
    np.save(folder / "pixels.npy", np.zeros((2, 2), dtype=np.uint8))


def _pipe(folder: Path) -> None:
    (folder / "pixels.npy").unlink()
    os.mkfifo(folder / "pixels.npy")


@pytest.mark.parametrize("harm", [_cut, _lengthen, _forget, _garble, _other_shape, _pipe])
def test_a_broken_cache_is_built_again(faces: Path, tmp_path: Path, harm: object) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    assert callable(harm)
    harm(tmp_path / "cache" / "pixels" / first.pixels_key)
    again, work = _prepare(faces, tmp_path / "cache")
    assert "decoding images" in work
    assert any("are damaged" in said for said in work)
    np.testing.assert_array_equal(_all(again), _expected(faces))


def _flip(file: Path, images: Sequence[int]) -> None:
    """Changes a byte of some images, and leaves the file as old as it was."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    for image in images:
        content[image * 32 * 32 * 3 - 12 * 32 * 32 * 3 + 7] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_damaged_pixels_with_an_old_time_are_decoded_again(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    file = tmp_path / "cache" / "pixels" / first.pixels_key / "pixels.npy"
    _flip(file, [3, 8])
    again, work = _prepare(faces, tmp_path / "cache")
    assert work == []
    np.testing.assert_array_equal(again.pixels[np.array([5, 3])], _expected(faces)[[5, 3]])
    assert again.pixels.take_warning() == (f"the cached pixels in {file.parent} were damaged: 1 image decoded again")
    np.testing.assert_array_equal(_all(again), _expected(faces))
    assert "1 image decoded again" in (again.pixels.take_warning() or "")
    last, _ = _prepare(faces, tmp_path / "cache")
    np.testing.assert_array_equal(_all(last), _expected(faces))
    assert last.pixels.take_warning() is None


def test_damaged_pixels_that_cannot_be_mended_are_decoded_each_time(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    _flip(tmp_path / "cache" / "pixels" / first.pixels_key / "pixels.npy", [3])

    def refuse(*arguments: object, **more: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("engine.data.checked_pixels.open", refuse, raising=False)
    for _ in range(2):
        np.testing.assert_array_equal(_all(first), _expected(faces))
        assert first.pixels.take_warning() is not None


def test_damaged_pixels_of_an_image_that_changed_are_refused(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    _flip(tmp_path / "cache" / "pixels" / first.pixels_key / "pixels.npy", [3])
    (faces / "3.png").unlink()
    with pytest.raises(DataError, match="an image file has changed since; delete that folder"):
        _all(first)


def test_damaged_hashes_of_images_are_computed_again(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    (file,) = (tmp_path / "cache" / "content").iterdir()
    file.write_bytes(file.read_bytes().replace(b"a", b"b"))
    again, work = _prepare(faces, tmp_path / "cache")
    assert work[0].endswith("are damaged: reading the images again")
    assert "decoding images" not in work
    assert again.content_hash == first.content_hash


def test_a_cache_that_was_copied_is_kept(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    os.utime(tmp_path / "cache" / "pixels" / first.pixels_key / "pixels.npy", ns=(1, 1))
    assert _prepare(faces, tmp_path / "cache")[1] == []


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
@pytest.mark.parametrize("before", [None, 0o755])
def test_the_cache_is_private(faces: Path, tmp_path: Path, umask: int, before: int | None) -> None:
    cache = tmp_path / "cache"
    if before is not None:
        for folder in (cache, cache / "pixels", cache / "content"):
            folder.mkdir()
            folder.chmod(before)
    old = os.umask(umask)
    try:
        _prepare(faces, cache)
    finally:
        os.umask(old)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (cache, *cache.rglob("*"))}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items() if path.suffix != ".lock")


@pytest.mark.parametrize("part", [".", "pixels", "content"])
def test_a_folder_that_others_may_change_is_no_cache(
    faces: Path, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache" / part
    _prepare(faces, tmp_path / "cache")
    folder.chmod(0o1777)
    with pytest.raises(DataError, match=r"everyone may write to the cache .*; set AGEUI_CACHE"):
        _prepare(faces, tmp_path / "cache")
    folder.chmod(0o755)
    _prepare(faces, tmp_path / "cache")
    if os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(DataError, match=r"the cache .* belongs to another user \(id \d+\)"):
        _prepare(faces, tmp_path / "cache")


def test_leftovers_of_the_same_pixels_go_at_once(faces: Path, tmp_path: Path) -> None:
    first, _ = _prepare(faces, tmp_path / "cache")
    left = tmp_path / "cache" / "pixels" / f"{first.pixels_key}.x.part"
    left.mkdir()
    (left / "pixels.npy").write_bytes(b"half")
    _prepare(faces, tmp_path / "cache")
    assert not left.exists()


def _prepare_in_process(faces: Path, cache: Path, answers: "multiprocessing.Queue[tuple[bool, int]]") -> None:
    dataset, work = _prepare(faces, cache)
    answers.put(("decoding images" in work, int(_all(dataset).sum())))


@pytest.mark.process
def test_two_processes_at_once_decode_once(faces: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[bool, int]] = context.Queue()
    workers = [context.Process(target=_prepare_in_process, args=(faces, tmp_path / "cache", answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(decoded for decoded, _ in found) == [False, True]
    assert {total for _, total in found} == {int(_expected(faces).sum())}


@pytest.mark.parametrize("has_hashes", [False, True])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, r"the disk is full: the cache .* needs 0 MB; free some space, or set AGEUI_CACHE"),
        (errno.EDQUOT, r"the disk is full: the cache .* needs 0 MB; free some space, or set AGEUI_CACHE"),
        (errno.EIO, r"the cache .* cannot be written: .*; set AGEUI_CACHE to another folder"),
    ],
)
def test_a_failed_write_leaves_nothing_half_written(
    faces: Path, tmp_path: Path, has_hashes: bool, number: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    cache = tmp_path / "cache"
    if has_hashes:
        _prepare(faces, cache)
        shutil.rmtree(cache / "pixels")
    monkeypatch.setattr("engine.data.pixels.os.fsync", full)
    with pytest.raises(DataError, match=said):
        _prepare(faces, cache)
    assert [path for path in (cache / "pixels").glob("*") if path.suffix != ".lock"] == []
    assert [*cache.rglob("*.part")] == []
    monkeypatch.undo()
    monkeypatch.setenv("AGEUI_CACHE", str(cache))
    assert "decoding images" in _prepare(faces, cache)[1]


@pytest.mark.parametrize("content", [b"", b"text", huge_png()])
def test_an_unreadable_image_stops_the_import_or_is_left_out_when_told(
    faces: Path, tmp_path: Path, content: bytes
) -> None:
    (faces / "2.png").write_bytes(content)
    with pytest.raises(DataError, match=r"has 1 row or image that cannot be used:\n  2\.png: .*\n.*--skip-bad"):
        _prepare(faces, tmp_path / "cache")
    dataset, _ = _prepare(faces, tmp_path / "cache", skip_bad=True)
    assert "2.png" not in dataset.frame["image"].tolist()
    assert [problem.where for problem in dataset.problems] == ["2.png"]
    assert dataset.frame["pixel"].tolist() == [0, 1, *range(3, 12)]
    np.testing.assert_array_equal(
        dataset.pixels[dataset.frame["pixel"].to_numpy()], np.delete(_expected_or_zero(faces), 2, 0)
    )


def _expected_or_zero(faces: Path) -> np.ndarray:
    return np.stack(
        [
            np.zeros((32, 32, 3), dtype=np.uint8) if number == 2 else _square(faces / f"{number}.png", 32)
            for number in range(12)
        ]
    )


def test_data_without_train_labels_is_refused(faces: Path, tmp_path: Path) -> None:
    table = faces / "t.csv"
    table.write_text(table.read_text().replace("train", "test"))
    with pytest.raises(DataError, match="no train image with an age"):
        _prepare(faces, tmp_path / "cache")


def test_an_old_cache_loses_only_images_that_are_now_read_otherwise(faces: Path, tmp_path: Path) -> None:
    """Caches of older versions know neither the formats that are read now nor how transparent parts are composed."""
    cache = tmp_path / "cache"
    (faces / "2.png").write_bytes(b"text")
    first, _ = _prepare(faces, cache, skip_bad=True)
    file = cache / "pixels" / first.pixels_key / "checksums.json"
    meta = kept_json(file)
    del meta["formats"]
    file.write_bytes(sealed_json(meta))
    assert "decoding images" in _prepare(faces, cache, skip_bad=True)[1]
    meta["unreadable"] = {}
    file.write_bytes(sealed_json(meta))
    assert "decoding images" not in _prepare(faces, cache, skip_bad=True)[1]
    see_through = np.dstack([_square(faces / "3.png", 40), np.full((40, 40), 255, dtype=np.uint8)])
    Image.fromarray(see_through).save(faces / "3.png")
    second, work = _prepare(faces, cache, skip_bad=True)
    content = [hashlib.sha256((faces / f"{number}.png").read_bytes()).hexdigest() for number in range(12)]
    key = hashlib.sha256(f"{DECODING} 32\n".encode() + "\n".join(content).encode()).hexdigest()[:32]
    assert "decoding images" in work
    assert second.pixels_key != key
    np.testing.assert_array_equal(second.pixels[np.array([3])], first.pixels[np.array([3])])
