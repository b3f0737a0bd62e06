import functools
import os
import shlex
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main
from living import processes_of
from terminal import PatchEngine, Terminal, wait_until

from ageui.cli import app
from ageui.cli.command_group import all_commands
from ageui.store import Store
from engine.data.make_faces import make_faces
from engine.data.spec import SyntheticOptions


@pytest.fixture(scope="session", autouse=True)
def _build_commands_once() -> Iterator[None]:
    """A process builds the tree of commands once, as each command line does, and not for every call of `main`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "runs.db"
    Store.open(path).close()
    return path


@pytest.fixture
def store(empty_database: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(empty_database.parent, tmp_path, dirs_exist_ok=True)
    with Store.open(tmp_path / "runs.db") as opened:
        yield opened


@pytest.fixture
def ageui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def typed(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, ...]]:
    """Types a command line, and returns the words that name the command that would have run; nothing runs."""
    called: list[tuple[str, ...]] = []
    for words, command in all_commands(typer.main.get_command(app)):
        monkeypatch.setattr(command, "callback", lambda words=words, **values: called.append(words))

    def type_line(line: str) -> tuple[str, ...]:
        done = ageui(*shlex.split(line.partition(" > ")[0], comments=True)[1:])
        assert (done.code, done.err) == (0, "")
        return called[-1]

    return type_line


@pytest.fixture
def no_network_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs can use all networks."""
    monkeypatch.setattr("ageui.planning.known_networks.KnownNetworks.missing", lambda self, runs: ())


@pytest.fixture(scope="session")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "drawn"
    make_faces(folder, SyntheticOptions(counts=(70, 50, 0), image_size=32))
    return folder


@pytest.fixture
def faces(ageui: Terminal, drawn_faces: Path) -> Terminal:
    """A terminal in a folder where the data set `faces` is registered."""
    shutil.copytree(drawn_faces, ageui.folder / "drawn")
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


@pytest.fixture
def wait_for_stop(patch_engine: PatchEngine) -> Callable[..., None]:
    """Has the first attempts at certain runs wait after three steps until they are asked to stop."""

    def patch(*run_ids: int) -> None:
        patch_engine(
            f"""
            import time
            import engine.train_metrics as train_metrics
            import engine.trainer as training
            train_metrics.SECONDS_BETWEEN_STEP_EVENTS = 0.0
            real = training.Trainer._between_steps

            def wait_after_three_steps(self):
                is_first = self.request.attempt == 1 and int(self.request.folder.name) in {run_ids}
                while is_first and self.position.step == 3 and not self.should_stop():
                    time.sleep(0.01)
                real(self)

            training.Trainer._between_steps = wait_after_three_steps
            """
        )

    return patch
