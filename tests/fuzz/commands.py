"""Runs commands as a person types them, in this process, and judges their answers as one."""

import json
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from ageui.cli import main
from ageui.cli.streams import text_stream
from ageui.store.sqlite import driver
from ageui.text.clean import clean

MOST_SECONDS = 60
MOST_CHARACTERS, MOST_OF_A_LINE = 12_000, 1_500
ANSWERS = (0, 2, 3)
"""Exit codes: done, wrong usage, wrong data."""


@dataclass
class Answer:
    code: int
    out: str
    err: str


class Commands:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch

    def __call__(self, *arguments: str) -> Answer:
        """Fails if anything but a message for people leaves the command, or if it takes too long."""
        code = 0
        with self._stream("stdout") as out, self._stream("stderr") as err, time_limit(), no_warnings():
            self._monkeypatch.setattr(sys, "argv", ["ageui", *arguments])
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        answer = Answer(code, _read(out), _read(err))
        _judge(answer)
        return answer

    @contextmanager
    def _stream(self, name: str) -> Iterator[Path]:
        path = self.folder.parent / name
        with path.open("wb", buffering=0) as file, self._monkeypatch.context() as patch:
            stream = text_stream(file.fileno(), "utf-8")
            patch.setattr(sys, name, stream)
            yield path
            stream.flush()

    def registered(self) -> dict[str, Any]:
        """The description of each registered data set."""
        with closing(driver().connect(str(self.folder / "runs.db"))) as database:
            return {name: json.loads(spec) for name, spec in database.execute("SELECT name, spec FROM data_set")}


def _read(path: Path) -> str:
    return path.read_bytes().decode()


def _judge(answer: Answer) -> None:
    assert answer.code in ANSWERS, answer
    assert "Traceback" not in answer.err, answer.err
    assert len(answer.err) <= MOST_CHARACTERS, f"{len(answer.err)} characters: {answer.err[:2000]}"
    text = answer.err if answer.out.startswith(("{", "[")) else answer.out + answer.err
    for line in text.split("\n"):
        assert clean(line) == line, f"control characters: {line!r}"
        assert len(line) <= MOST_OF_A_LINE, f"{len(line)} characters in a line: {line[:2000]}"
    if answer.code:
        assert answer.err.strip() or answer.out.strip(), "an error without a message"


@contextmanager
def no_warnings() -> Iterator[None]:
    """Fails for what Python would print on stderr beside messages for people; pytest drops the filters of modules."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
    seen = [str(one) for one in caught if not issubclass(one.category, (DeprecationWarning, ResourceWarning))]
    assert not seen, seen[0]


@contextmanager
def time_limit() -> Iterator[None]:
    """Raises an error in whatever takes longer than a minute."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise AssertionError(f"it takes longer than {MOST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def peak_memory() -> int:
    """The largest memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
