"""The doctor's questions to a cluster, whose sbatch runs the job at once on this machine."""

from pathlib import Path

import pytest
from terminal import Terminal
from worker_runs import Says

from ageui.store import Store
from engine.data.spec import DataSpec


@pytest.mark.process
def test_the_doctor_submits_with_the_options_of_the_worker_and_looks_for_all_paths(
    says: Says, store: Store, ageui: Terminal, tmp_path: Path
) -> None:
    says("sinfo", "")
    calls = says("sbatch", "sh >&2 && echo 12")
    root = tmp_path / "scratch"
    (root / "faces").mkdir(parents=True)
    spec = {"path": "/home/me/faces", "images": "/home/me/images", "ignore": "/home/me/bad.txt"}
    store.data.add(DataSpec(name="faces", format="table", **spec))
    asked = ageui("doctor", "--on", "slurm", "--sbatch", "account=faces", "--data-root", str(root))
    missing = [line.split()[2] for line in asked.out.splitlines() if "is missing on" in line]
    assert missing == ["/home/me/images", "/home/me/bad.txt"]
    assert "--account=faces" in calls.read_text()


@pytest.mark.parametrize("option", [("--sbatch", "time=1:00"), ("--data-root", "/scratch")])
def test_the_doctor_refuses_options_of_a_cluster_without_one(ageui: Terminal, option: tuple[str, str]) -> None:
    done = ageui("doctor", *option)
    assert done.code == 2
    assert "add --on slurm" in done.err
