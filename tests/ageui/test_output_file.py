"""Files that a person asked for: whole or not there, and never less than was there before."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ageui.files.output_file import is_stream, write_output_file
from ageui.tui.compare.comparison_file import export
from engine.errors import ConfigError


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def _full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_new_file_has_the_rights_of_others_and_one_that_is_replaced_keeps_its_own(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "a.md"
    write_output_file(file, b"one")
    assert file.stat().st_mode & 0o777 == 0o640
    for mode in (0o600, 0o666):
        file.chmod(mode)
        write_output_file(file, b"two")
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", mode)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_a_private_file_is_its_owners_alone_whatever_it_was(tmp_path: Path, umask: int, mask: int) -> None:
    file, taken = tmp_path / "a.csv", tmp_path / "b.csv"
    taken.touch()
    taken.chmod(0o664)
    os.umask(mask)
    for path in (file, taken):
        write_output_file(path, b"faces", private=True)
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "a.md", tmp_path / "b.md"
    link.symlink_to(file)
    write_output_file(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_what_is_written_to_a_pipe_goes_through_it() -> None:
    out, into = os.pipe()
    path = Path(f"/dev/fd/{into}")
    assert is_stream(path)
    write_output_file(path, b"through")
    os.close(into)
    with open(out, "rb") as stream:
        assert stream.read() == b"through"


def test_a_folder_is_no_stream(tmp_path: Path) -> None:
    assert not is_stream(tmp_path)
    with pytest.raises(OSError, match="Is a directory"):
        write_output_file(tmp_path, b"")


def test_what_was_there_stays_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.md"
    file.write_text("mine")
    monkeypatch.setattr("engine.files.os.fsync", _full)
    with pytest.raises(OSError, match="No space left"):
        write_output_file(file, b"new")
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_what_was_there_stays_where_a_comparison_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.md"
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        export("new", file)
    with monkeypatch.context() as full:
        full.setattr("engine.files.os.fsync", _full)
        with pytest.raises(ConfigError, match=r"cannot be written: No space left.*a\.md"):
            export("new", file, replace=True)
    assert file.read_text() == "mine"
    assert export("new", file, replace=True).read_text() == "new"
