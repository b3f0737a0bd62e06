from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import SlurmCluster, why_not
from undisturbed_runs import FACES

from ageui.store import Store
from ageui.worker.background_workers import is_working, stop_worker


@pytest.fixture(scope="session")
def started_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    cluster = SlurmCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(started_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SlurmCluster:
    """A Slurm cluster of two nodes, to which Slurm's commands of this test lead."""
    for name, value in started_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return started_cluster


@pytest.fixture
def store(cluster: SlurmCluster, tmp_path: Path) -> Iterator[Store]:
    """A database with the faces; in the end its worker is stopped, and no job may be left."""
    with Store.open(tmp_path / "runs.db", files=tmp_path / "100%jobs") as opened:
        opened.data.add(FACES)
        yield opened
        if is_working(opened, "slurm"):
            stop_worker(opened, "slurm", at_once=False, say=lambda text: None)
    cluster.wait_until_idle()
