import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from private_run import add_private_run

from ageui.store import Store


@pytest.fixture(scope="session")
def private_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("private") / "runs.db"
    with Store.open(path) as store:
        add_private_run(store)
    return path


@pytest.fixture
def private_store(private_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with the private run `first`, for a user and on a host whose names are secret, too."""
    monkeypatch.setattr(socket, "gethostname", lambda: "secret-host")
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "secret-user")
    shutil.copytree(private_database.parent, tmp_path, dirs_exist_ok=True)
    with Store.open(tmp_path / "runs.db") as opened:
        yield opened
