"""No test may see the user's settings, caches or database, nor the network."""

import os
from pathlib import Path

import pytest

# Networks of tests are so small that threads wait for each other for longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home: Path = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("AGEUI_")]:
        monkeypatch.delenv(name)
    for name, folder in {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_STATE_HOME": home / "state",
        "TORCH_HOME": home / "torch",
        "AGEUI_CACHE": home / "cache" / "ageui",
    }.items():
        monkeypatch.setenv(name, str(folder))
    # What is found out about a backbone once for a machine is the same in every test, and takes seconds.
    cache = home / "cache" / "ageui"
    cache.mkdir(parents=True)
    for name in ("footprints", "arithmetic"):
        shared = tmp_path_factory.getbasetemp() / name
        shared.mkdir(exist_ok=True)
        (cache / name).symlink_to(shared)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kills", "how long processes are killed in tests/kills")
    group.addoption("--kills", type=int, default=6, help="how many kills at random moments")
    group.addoption("--kill-runs", type=int, default=3, help="over how many runs at the least")
    group.addoption("--kill-seed", type=int, default=0, help="seed of the moments and targets")
