from pathlib import Path

import pytest
from compared_rows import three_runs
from small_study import LOSSES

from ageui.store import Store
from ageui.study import Study, load


@pytest.fixture
def no_workers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No worker is started; the devices for which one was wanted."""
    wanted: list[str] = []

    def ensure(store: Store, device: str, *, checkpoint_seconds: float) -> None:
        wanted.append(device)

    monkeypatch.setattr("ageui.tui.changes.ensure_worker", ensure)
    return wanted


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no settings lie about, on a machine without a GPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cuda._DRIVERS", ())


@pytest.fixture(autouse=True)
def _networks_are_never_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms start a process that checks networks: one without torch, which ends without an answer."""
    monkeypatch.setattr("engine.checked_networks._COMMAND", ["true"])


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_folder: None) -> Study:
    """A study of four cells, the only one there is."""
    path = tmp_path / "mine.toml"
    path.write_text(LOSSES, encoding="utf-8")
    found = load(str(path))
    monkeypatch.setattr("ageui.tui.studies.screen.studies", lambda: [found])
    return found


@pytest.fixture
def runs(store: Store) -> tuple[int, ...]:
    """The ids of three runs to compare."""
    return three_runs(store)
