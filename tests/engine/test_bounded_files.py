"""Files that people name: only regular ones of a bounded size are read, and no reader waits for ever."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import engine.bounded_files as bounded_files
from engine.bounded_files import open_regular, problem_of, read_regular, read_regular_or_pipe


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


OTHER_KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "it is a folder, not a regular file"),
    "pipe": (os.mkfifo, "it is a named pipe, not a regular file"),
    "socket": (_socket, "it is a socket, not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a regular file"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "missing": (lambda path: None, "No such file or directory"),
    "growing": (lambda path: path.symlink_to("/proc/self/status"), "it grew while being read"),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.parametrize("read", [read_regular, lambda path: read_regular_or_pipe(path, 10)])
def test_only_regular_files_are_read(kind: str, read: Callable[[Path], bytes], tmp_path: Path) -> None:
    make, said = OTHER_KINDS[kind]
    make(tmp_path / "x")
    with pytest.raises(OSError) as caught:  # noqa: PT011
        read(tmp_path / "x")
    assert problem_of(caught.value) == said


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert read_regular(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="it has 5 bytes, more than the limit of 4 bytes"):
        read_regular(path, 4)
    os.truncate(path, 3_200_000_000)  # sparse
    with pytest.raises(OSError, match=r"it has 3\.2 GB, more than the limit of 500 MB"), open_regular(path, 5e8):
        pass


def test_a_pipe_of_this_process_is_read_up_to_a_limit_and_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_files, "SECONDS_OF_SILENCE", 0.05)

    def read(content: bytes, ends: bool = True) -> bytes:
        reader, writer = os.pipe()
        os.write(writer, content)
        if ends:
            os.close(writer)
        try:
            return read_regular_or_pipe(Path(f"/dev/fd/{reader}"), 10)
        finally:
            os.close(reader)
            if not ends:
                os.close(writer)

    assert read(b"0123456789") == b"0123456789"
    with pytest.raises(OSError, match="it sent more than the limit of 10 bytes"):
        read(b"0123456789!")
    with pytest.raises(OSError, match=r"it sent nothing for 0\.05 seconds"):
        read(b"01234", ends=False)
