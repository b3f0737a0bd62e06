"""Files are whole or absent, whatever ends the writing of them, and private whatever the umask."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from engine.files import HashingWriter, make_private_folder, write_atomically


def _raises(error: BaseException) -> Any:
    def raise_it(*arguments: object, **more: object) -> None:
        raise error

    return raise_it


FULL = OSError(errno.ENOSPC, "no space")


@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [FULL, OSError(errno.EDQUOT, "quota"), OSError(errno.EIO, "io"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_earlier_file(
    function: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"before")

    def write(stream: HashingWriter) -> None:
        stream.write(b"after")
        if function == "write":
            raise error

    if function != "write":
        monkeypatch.setattr(os, function, _raises(error))
    with pytest.raises(type(error)):
        write_atomically(path, write)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


def test_the_disks_own_error_wins_over_that_of_a_library(tmp_path: Path) -> None:
    def write(stream: HashingWriter) -> None:
        try:
            stream.write(b"x")
        except OSError:
            raise RuntimeError("the library failed") from None

    class Full:
        write = _raises(FULL)

    with pytest.raises(OSError, match="no space"):
        write_atomically(tmp_path / "x", lambda stream: (setattr(stream, "_stream", Full()), write(stream)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o277, 0o777])
def test_folders_and_files_are_private_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        make_private_folder(tmp_path / "a" / "b")
        write_atomically(tmp_path / "a" / "b" / "c", lambda stream: stream.write(b"x"))
    finally:
        os.umask(old)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c")]
    assert modes == [0o700, 0o700, 0o600]


def test_files_for_others_respect_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "x", lambda stream: stream.write(b"x"), mode=0o666)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [None, PermissionError(errno.EPERM, "no links here")])
def test_a_file_that_must_be_new_replaces_none(
    error: OSError | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if error is not None:
        monkeypatch.setattr(os, "link", _raises(error))
    write_atomically(tmp_path / "x", lambda stream: stream.write(b"first"), replaces=False)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "x", lambda stream: stream.write(b"second"), replaces=False)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]
