"""A run on an MLflow server, read back through MLflow's client.

Runs against a file store in a temporary folder where the extra mlflow is installed, and against a real server with
`--mlflow http://127.0.0.1:5000`.
"""

import json
import math
import socket
import uuid
from pathlib import Path
from typing import Any

import pytest
from private_run import IMAGES, SECRET, contents
from terminal import Terminal

from ageui.store import Store

mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
pytestmark = pytest.mark.process


@pytest.fixture
def server(
    ageui: Terminal, private_store: Store, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return request.config.getoption("--mlflow") or (ageui.folder / "mlruns").as_uri()


@pytest.fixture
def experiment() -> str:
    return f"ageui-test-{uuid.uuid4().hex}"


def _runs(server: str, experiment: str) -> list[Any]:
    client = mlflow.MlflowClient(tracking_uri=server)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found is not None else []


def test_parameters_curves_figures_and_files_come_back_and_infinity_is_named(
    ageui: Terminal, server: str, experiment: str, tmp_path: Path
) -> None:
    export = ("export", "first", "--to", "mlflow", "--output", server, "--experiment", experiment)
    done = ageui(*export)
    assert done.code == 0, done.err
    assert "infinite values, which MLflow cannot store: epoch/val_loss +inf at 2" in done.err
    (run,) = _runs(server, experiment)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert run.data.params["loss"] == "mse"
    assert run.data.params["init"] == "first.pth"
    assert run.data.metrics["valid/mae"] == 6.0
    assert run.data.metrics["valid/bias/gender_low"] == 0.25
    assert run.data.tags["ageui.infinite"].endswith("epoch/val_loss +inf at 2")
    client = mlflow.MlflowClient(tracking_uri=server)

    def points(key: str) -> list[tuple[int, float]]:
        return [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, key)]

    assert points("step/loss") == [(5, 0.75), (10, 0.5), (20, 0.25)]
    assert points("epoch/val_loss") == [(1, 0.25)]
    assert all(math.isfinite(value) for value in run.data.metrics.values())

    folder = tmp_path / "artifacts"
    folder.mkdir()
    client.download_artifacts(run.info.run_id, "", str(folder))
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "predict.py",
    ]  # fmt: skip
    held = json.dumps([run.data.params, run.data.tags, run.info.user_id]).encode() + contents(folder)
    for secret in (SECRET, "/home/", str(tmp_path)):
        assert secret.encode() not in held, secret

    again = ageui(*export)
    assert (again.code, "already; replace it with --force" in again.err) == (2, True)
    assert ageui(*export, "--force", "--with-image-names").code == 0
    (newer,) = _runs(server, experiment)
    assert newer.info.run_id != run.info.run_id
    named = Path(client.download_artifacts(newer.info.run_id, "predictions.csv", str(folder))).read_text()
    assert all(image in named for image in IMAGES)


def test_an_interrupted_export_leaves_no_run(
    ageui: Terminal, server: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlflow.tracking.MlflowClient.log_artifacts", stop)
    export = ("export", "first", "--to", "mlflow", "--output", server, "--experiment", experiment)
    assert ageui(*export).code == 130
    assert _runs(server, experiment) == []


def test_a_server_that_is_gone_is_named(ageui: Terminal, server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = ageui("export", "first", "--to", "mlflow", "--output", address)
    assert (done.code, f"the MLflow server {address} failed" in done.err) == (3, True), done.err
