"""The cache's bound: what was used longest ago goes, what is in use stays whole, and nothing piles up."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from tiny_runs import Runner

import engine.cache as cache
from engine.cache import entry_lock, features_limit, keep_json, kept_json, mark_used, pixels_limit, trim
from engine.data.pixels import open_pixels
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import ConfigError
from engine.events import Evaluated, Noted, Progressed

FREEZE: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "1,0"}
LONG_AGO = 1_000_000_000


def _entry(folder: Path, name: str, size: int, used: int) -> Path:
    """A file, or a folder with one where the name has no suffix, last used `used` seconds after a day long ago."""
    path = folder / name
    if path.suffix in ("", ".part"):
        path.mkdir()
        (path / "pixels.npy").write_bytes(bytes(size))
        os.utime(path / "pixels.npy", (LONG_AGO, LONG_AGO))
    else:
        path.write_bytes(bytes(size))
    os.utime(path, (LONG_AGO + used, LONG_AGO + used))
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ""], ids=["files", "folders"])
def test_the_least_recently_used_goes_first(suffix: str, tmp_path: Path) -> None:
    paths = {
        name: _entry(tmp_path, name + suffix, 100_000, used) for name, used in zip("abcd", (3, 1, 4, 2), strict=True)
    }
    folder_size = paths["a"].stat().st_size if suffix == "" else 0
    limit = 2 * (100_000 + folder_size)
    trim(tmp_path, 2 * limit, kept=paths["a"])
    assert all(path.exists() for path in paths.values())
    trim(tmp_path, limit, kept=paths["a"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(paths[name].name for name in "ac")
    mark_used(paths["a"])
    trim(tmp_path, limit - 1, kept=tmp_path / "another")
    assert list(tmp_path.iterdir()) == [paths["a"]]


def test_a_new_entry_stays_even_if_it_is_too_large(tmp_path: Path) -> None:
    new, old = _entry(tmp_path, "new", 5000, used=0), _entry(tmp_path, "old", 10, used=1)
    trim(tmp_path, 1, kept=new)
    assert (new.exists(), old.exists()) == (True, False)


def test_leftovers_of_dead_processes_go_after_a_day_and_locks_stay(tmp_path: Path) -> None:
    (tmp_path / "ab.lock").touch()
    os.utime(tmp_path / "ab.lock", (LONG_AGO, LONG_AGO))
    _entry(tmp_path, "old.x", 10, used=1)
    dead, decoding = _entry(tmp_path, "dead.part", 10, used=0), _entry(tmp_path, "decoding.part", 10, used=0)
    writing = tmp_path / "writing.part"
    writing.touch()
    (decoding / "pixels.npy").write_bytes(b"more")
    os.utime(decoding, (LONG_AGO, LONG_AGO))
    trim(tmp_path, 0, kept=tmp_path / "none")
    assert (dead.exists(), decoding.exists(), writing.exists(), (tmp_path / "ab.lock").exists()) == (
        False,
        True,
        True,
        True,
    )
    then = time.time() - 86_500
    os.utime(writing, (then, then))
    trim(tmp_path, 0, kept=tmp_path / "none")
    assert not writing.exists()


def test_an_entry_that_cannot_be_removed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, older = _entry(tmp_path, "oldest.x", 10, used=0), _entry(tmp_path, "older.x", 10, used=1)
    unlink = Path.unlink

    def refusing(path: Path, *arguments: Any) -> None:
        if path == oldest:
            raise PermissionError(13, "in use")
        unlink(path, *arguments)

    monkeypatch.setattr(Path, "unlink", refusing)
    trim(tmp_path, 10, kept=tmp_path / "none")
    assert (oldest.exists(), older.exists()) == (True, False)


def test_lock_files_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(600):
        with entry_lock(tmp_path, f"{number:032x}"[::-1]):
            pass
    assert len(list(tmp_path.iterdir())) <= 256


def test_limits_come_from_the_environment_else_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGEUI_CACHE_GB", raising=False)
    assert features_limit() == 10_000_000_000
    assert 0 < pixels_limit(tmp_path) <= 0.26 * os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    monkeypatch.setenv("AGEUI_CACHE_GB", "1.5")
    assert features_limit() == pixels_limit(tmp_path) == 1_500_000_000
    monkeypatch.setenv("AGEUI_CACHE_GB", "lots")
    with pytest.raises(ConfigError, match="AGEUI_CACHE_GB=lots: give a number of gigabytes"):
        features_limit()


def test_small_files_are_bounded_and_damage_to_them_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "cache" / "content" / "a.x", tmp_path / "cache" / "content" / "b.x"
    keep_json(first, ["\udcff", 1.5])
    assert kept_json(first) == ["\udcff", 1.5]
    os.utime(first, (LONG_AGO, LONG_AGO))
    left = first.with_name(".a.x.00.part")
    left.touch()
    os.utime(left, (LONG_AGO, LONG_AGO))
    monkeypatch.setattr(cache, "SMALL_FILES_BYTES", 50)
    keep_json(second, {"b": 2})
    assert list(second.parent.iterdir()) == [second]
    second.write_bytes(second.read_bytes().replace(b"2", b"3"))
    with pytest.raises(ValueError, match="is damaged"):
        kept_json(second)
    second.parent.chmod(0o777)
    with pytest.raises(PermissionError, match="everyone may write"):
        kept_json(second)


def test_an_entry_that_cannot_be_moved_aside_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = _entry(tmp_path, "old", 10, used=0)

    def refuse(*arguments: Any) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    trim(tmp_path, 0, kept=tmp_path / "none")
    assert list(tmp_path.iterdir()) == [entry]


def test_a_run_on_damaged_pixels_warns_and_ends_with_the_same_bits(runner: Runner) -> None:
    whole = runner(epochs=1)
    (file,) = (runner.folder / "cache" / "pixels").glob("*/pixels.npy")
    for limit in (None, 0):
        with file.open("r+b") as pixels:
            pixels.seek(-32 * 32 * 3 * 118, os.SEEK_END)  # within the first image
            pixels.write(b"damaged")
        mended = runner(epochs=1, pixel_bytes_on_device=limit)
        assert mended.best.sha256 == whole.best.sha256
        (warning,) = [note.message for note in mended.all(Noted) if note.warning]
        assert warning.endswith("were damaged: 1 image decoded again")


def _features(runner: Runner) -> set[Path]:
    return set((runner.folder / "cache" / "features").glob("*.safetensors"))


def test_features_beyond_the_limit_go_and_are_computed_again(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = runner(**FREEZE)
    (oldest,) = _features(runner)
    size = oldest.stat().st_size
    monkeypatch.setattr(cache, "FEATURES_BYTES", 2 * size + 100)
    runner(**FREEZE, seed=1)
    (second,) = _features(runner) - {oldest}
    for age, path in ((2, oldest), (1, second)):
        os.utime(path, (LONG_AGO - age, LONG_AGO - age))
    runner(**FREEZE)  # uses the oldest, which makes it the newest
    with safe_open(second, "pt") as reader:
        expected = reader.get_tensor("features").clone()
        runner(**FREEZE, seed=2)
        assert oldest in _features(runner)
        assert second not in _features(runner)
        assert (reader.get_tensor("features") == expected).all()
    assert len(_features(runner)) == 2
    monkeypatch.setattr(cache, "FEATURES_BYTES", 0)
    runner(**FREEZE, seed=3)
    again = runner(**FREEZE)
    assert any(event.what == "features" for event in again.all(Progressed))
    assert not any(note.warning for note in again.all(Noted))
    for one, two in zip(first.all(Evaluated), again.all(Evaluated), strict=True):
        np.testing.assert_array_equal(one.predicted, two.predicted)


def _pixels(tmp_path: Path, seed: int, size: int = 32) -> tuple[np.ndarray, bool]:
    """Drawn faces through the cache, and whether they had to be decoded."""
    done: list[str] = []
    options = SyntheticOptions(counts=(6, 2, 0), image_size=32, seed=seed)
    manifest = load_manifest(DataSpec(name="faces", format="synthetic", synthetic=options), "apparent")
    pixels = open_pixels(manifest, size, tmp_path, lambda what, part, total: done.append(what))
    return pixels.array[np.arange(8)], "decoding images" in done


def test_pixels_beyond_the_limit_go_but_not_from_under_those_who_use_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = _pixels(tmp_path, 0)
    _pixels(tmp_path, 1)
    expected = first.copy()
    folders = {path for path in (tmp_path / "pixels").iterdir() if path.is_dir()}
    for path in folders:
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert _pixels(tmp_path, 1)[1] is False
    monkeypatch.setattr(cache, "PIXELS_SHARE_OF_DISK", 0.0)
    _pixels(tmp_path, 2)
    (left,) = [path for path in (tmp_path / "pixels").iterdir() if path.suffix != ".lock"]
    assert left not in folders
    np.testing.assert_array_equal(first, expected)
    again, decoded = _pixels(tmp_path, 0)
    assert decoded
    np.testing.assert_array_equal(again, expected)


def test_pixels_that_are_used_outlive_those_that_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pixels(tmp_path, 0)
    (used,) = [path for path in (tmp_path / "pixels").iterdir() if path.is_dir()]
    size = sum(path.stat().st_size for path in (used, *used.iterdir()))
    _pixels(tmp_path, 1)
    os.utime(used, (LONG_AGO, LONG_AGO))
    _pixels(tmp_path, 0)
    monkeypatch.setenv("AGEUI_CACHE_GB", str((2 * size + 1000) / 1e9))
    _pixels(tmp_path, 2)
    assert [_pixels(tmp_path, 0)[1], _pixels(tmp_path, 2)[1]] == [False, False]
    assert _pixels(tmp_path, 1)[1] is True
