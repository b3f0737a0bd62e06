"""The GPU check on a processor: every part tells something, and none takes another with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.process

FOLDER = Path(__file__).with_name("gpu_check")
FAKE_PARTS = {
    "tells": "def measure(session):\n    session.row('a step', '5 ms'); session.row('a step', '6 | 7 ms', 'half')\n",
    "fails": "def measure(session):\n    session.row('before', '1'); raise ValueError('no such kernel\\nmore')\n",
    "dies": "import os\ndef measure(session):\n    print('out of luck'); os.sys.stdout.flush(); os._exit(7)\n",
    "hangs": "import threading\ndef measure(session):\n    session.row('so far', '1'); threading.Event().wait()\n",
    "keeps": "def measure(session):\n    session.keep('figure', 3)\n",
    "uses": "def measure(session):\n    session.row('kept', str(session.found['figure']))\n",
}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The modules of the check, which are found by its folder."""
    names = ("check", "document", "parts", "run_parts", "server")
    monkeypatch.syspath_prepend(FOLDER.with_name("engine_speed"))
    monkeypatch.syspath_prepend(FOLDER)
    yield SimpleNamespace(**{name: __import__(name) for name in names})
    for name in (*names, "tables"):
        sys.modules.pop(name, None)


def _table(folder: Path, modules: Any, parts: tuple[Any, ...], minutes: float = 8.0) -> tuple[str, list[str]]:
    """The document of a check of some parts, and which of them failed."""
    for name, source in FAKE_PARTS.items():
        (folder / f"{name}.py").write_text(source)
    document = modules.document.Document(folder / "gpu-check.md", [part.name for part in parts], "command")
    server = modules.server.Server(folder / "log", {**os.environ, "PYTHONPATH": str(folder)})
    run = modules.run_parts.Run(modules.check.Check("cpu", True, str(folder), None, None), document, server, minutes)
    try:
        run.measure_all(parts)
    finally:
        server.close()
    return (folder / "gpu-check.md").read_text(), run.failed


def test_a_part_that_fails_says_why_and_the_next_goes_on(tmp_path: Path, modules: Any) -> None:
    seconds = {"hangs": 1.0}
    parts = tuple(modules.parts.Part(name, name, seconds.get(name, 60.0)) for name in FAKE_PARTS)
    text, failed = _table(tmp_path, modules, parts)
    assert "| **tells**, 0 s | a step | 6 \\| 7 ms | half |" in text
    assert "5 ms" not in text
    assert "failed: ValueError: no such kernel |" in text
    assert "|  | before | 1 |" in text
    assert "its process ended with exit code 7: out of luck" in text
    assert "cut off after 1 s" in text
    assert "|  | so far | 1 |" in text
    assert "kept | 3 |" in text
    assert failed == ["fails", "dies"]


def test_parts_without_time_or_packages_are_left_out(tmp_path: Path, modules: Any) -> None:
    part = modules.parts.Part
    parts = (
        part("long", "tells", 60.0, least=45.0),
        part("application", "tells", 60.0, needs=("json", "no_such_package", "nor_this")),
        part("last", "tells", 60.0, least=20.0, reserved=160.0),
    )
    text, failed = _table(tmp_path, modules, parts, minutes=3.0)
    assert "left out: needs 45 s, and 22 s are left for it" in text
    assert "left out: needs no_such_package and nor_this" in text
    assert "| **last**, 0 s | a step |" in text
    assert failed == []


def test_without_the_engines_packages_nothing_begins(tmp_path: Path, modules: Any) -> None:
    part = modules.parts.Part
    parts = (part("machine", "tells", 60.0, needs=("no_such_package",), essential=True), part("next", "tells", 60.0))
    text, failed = _table(tmp_path, modules, parts)
    assert "**next** |  | not begun" in text
    assert failed == ["machine"]


def test_every_part_of_the_engine_runs_on_a_processor(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER), "--device", "cpu", "--tiny", "--out", str(tmp_path)]
    parts = ("steps", "report", "pixels", "memory", "final")
    ended = subprocess.run([*command, "--only", ",".join(parts)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "gpu-check.md").read_text()
    assert ended.stdout.strip() == text.strip()
    for part in ("machine", *parts):
        assert f"| **{part}**, " in text
    for said in ("PyTorch's best setting", "AGEUI_CUDA_GRAPHS=off", "projected from", "streamed", "GB resident", "MAE"):
        assert said in text
