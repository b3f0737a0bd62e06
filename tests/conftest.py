"""No test may see the user's settings, caches or database, nor the network."""

import gc
import itertools
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Networks of tests are so small that threads wait for each other for longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A picture that is taken while a line slides to its place is another each time.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

settings.register_profile("local", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=300, deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

SLOW_KINDS = ("app", "browser", "cluster", "fuzz", "gpu", "kills", "process", "simulation")
_HOMES = itertools.count()
KIND_OF_FIXTURE = {"patch_engine": "process", "queue": "process", "runner": "simulation"}


@pytest.hookimpl(tryfirst=True)  # before pytest applies -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by the slow fixtures they use, and as `fast` those of no slow kind. The longest run first."""
    for item in items:
        for fixture in KIND_OF_FIXTURE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(KIND_OF_FIXTURE[fixture])
        if not any(item.get_closest_marker(kind) for kind in SLOW_KINDS):
            item.add_marker("fast")
    items.sort(key=lambda item: item.get_closest_marker("kills") is None)


def pytest_collection_finish() -> None:
    """Spares what was imported from the collections that runs ask for: a third of the time of a tiny one."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's own numbers cost a look at all earlier folders each.
    home: Path = tmp_path_factory.mktemp(f"home-{next(_HOMES)}", numbered=False)
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
    # The check of a network is the same in every test, and takes seconds.
    cache = home / "cache" / "ageui"
    cache.mkdir(parents=True)
    shared = tmp_path_factory.getbasetemp() / "networks"
    shared.mkdir(exist_ok=True)
    (cache / "networks").symlink_to(shared)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kills", "how long processes are killed in tests/kills")
    group.addoption("--kills", type=int, default=4, help="how many kills at random moments")
    group.addoption("--kill-runs", type=int, default=2, help="over how many runs at the least")
    group.addoption("--kill-seed", type=int, default=0, help="seed of the moments and targets")
    group = parser.getgroup("cluster", "how long tests/cluster uses the cluster")
    group.addoption("--cluster-runs", type=int, default=3, help="how many runs of the sweep")
    group.addoption("--cluster-kills", type=int, default=5, help="how many kills at random moments")
    group.addoption("--cluster-seed", type=int, default=0, help="seed of the moments and targets")
    group = parser.getgroup("mlflow", "the server of tests/ageui/exchange/test_export_mlflow.py")
    group.addoption("--mlflow", metavar="URL", help="a running MLflow server, in place of a folder")
    group = parser.getgroup("fuzz", "how many broken files are tried in tests/fuzz")
    group.addoption("--fuzz", type=int, default=2000, help="how many images, tables and folders")
    group.addoption("--fuzz-seed", type=int, default=0, help="seed of what is broken in which way")
