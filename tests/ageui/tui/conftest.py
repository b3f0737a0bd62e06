from pathlib import Path

import pytest

from ageui.store import Store


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
def _footprints_are_never_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms start a process that counts footprints: one without torch, which answers nothing until it is stopped."""
    monkeypatch.setattr("engine.footprints._COMMAND", ["tail", "-f", "/dev/null"])
