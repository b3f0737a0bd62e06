import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from living import processes_of
from terminal import PatchEngine, Terminal, wait_until

from ageui.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "runs.db") as opened:
        yield opened


@pytest.fixture
def ageui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def faces(ageui: Terminal) -> Terminal:
    """A terminal in a folder where the data set `faces` is registered."""
    assert ageui("data", "make", "drawn", "--counts", "70,50,0", "--image-size", "32").code == 0
    assert ageui("data", "add", "faces", "drawn").code == 0
    return ageui


@pytest.fixture
def queue(faces: Terminal) -> Iterator[Terminal]:
    """A terminal whose workers are stopped in the end; none, and no engine, may be left then."""
    yield faces
    if (faces.folder / "runs.db").exists():
        faces("worker", "stop")
    wait_until(lambda: not processes_of(faces.folder), 60)


@pytest.fixture
def patch_engine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> PatchEngine:
    """Runs code at the start of every engine process from now on, and in no other."""
    folder = tmp_path_factory.mktemp("patch")

    def patch(code: str) -> None:
        body = textwrap.indent(textwrap.dedent(code), "    ")
        (folder / "sitecustomize.py").write_text(f"import sys\nif '--events' in sys.orig_argv:\n{body}\n")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))

    return patch
