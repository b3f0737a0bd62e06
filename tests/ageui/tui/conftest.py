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
