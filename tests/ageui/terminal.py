"""The commands as a person types them, in this process, in a folder of their own."""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ageui.cli import main
from ageui.store import Store

PatchEngine = Callable[[str], None]

TINY = (
    "--backbone", "resnet18@layer1", "--size", "32", "--epochs", "2", "--lr", "1e-3", "--device", "cpu",
    "--preset", "quick",
)  # fmt: skip
LONG = (*TINY, "--epochs", "5000", "--set", "patience=none")


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def __call__(self, *arguments: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["ageui", *arguments])
        self._capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
        seen = self._capsys.readouterr()
        return Done(code, seen.out, seen.err)


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    """Returns as soon as something has happened in another process; fails where it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.05)


def stored_losses(run: int) -> list[tuple[int, float]]:
    """The losses of a run of the database here."""
    with Store.open(Path("runs.db"), read_only=True) as store:
        return store.runs.metric(run, "step/loss")
