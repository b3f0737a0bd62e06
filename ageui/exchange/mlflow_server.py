"""A run on an MLflow server: parameters, curves, figures and files."""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ageui import __version__
from ageui.exchange.run_figures import Points, curves, figures, settings
from ageui.store import RunDetail
from engine.errors import ConfigError, DataError
from engine.extras import needs
from engine.short_text import short, short_list

EXTRA: Final = "mlflow"
_SURROUNDINGS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Unless set already: no reports to MLflow's makers, and an answer within a minute if the server is gone."""
_STATUSES: Final = {"done": "FINISHED", "failed": "FAILED", "diverged": "FAILED", "cancelled": "KILLED"}
_RUNNING: Final = "RUNNING"
_UUID: Final = "ageui.uuid"
_MOST_METRICS, _MOST_PARAMS, _LONGEST_PARAM, _LONGEST_TAG = 1000, 100, 6000, 5000
"""Limits of one request to MLflow, and of values in it."""
_LONGEST_REASON: Final = 300
_USER: Final = re.compile(r"(?<=://)[^/\s]*@")
_UNKNOWN: Final = re.compile(r"[^\w. :/-]", re.ASCII)


@dataclass(frozen=True)
class LoggedRun:
    """A run on the server: its id there, and a sentence on its infinite values, which are left out; empty if none."""

    run_id: str
    infinite: str


def metric_key(name: str) -> str:
    """The name with characters that MLflow refuses as their code, so that different names stay different.

    >>> metric_key("valid/mae_of/age/<20"), metric_key("epoch/val_loss")
    ('valid/mae_of/age/_3c_20', 'epoch/val_loss')
    """
    return _UNKNOWN.sub(lambda found: f"_{ord(found[0]):x}_", name)


def without_password(text: str) -> str:
    """The text without the user and password of addresses in it.

    >>> without_password("http://me:s@cret@127.0.0.1:5000/@me failed")
    'http://127.0.0.1:5000/@me failed'
    """
    return _USER.sub("", text)


def log_run(
    run: RunDetail, step_losses: Points, files: Mapping[str, bytes], *, server: str, experiment: str, replaces: bool
) -> LoggedRun:
    """Logs a run to an MLflow server.

    MLflow stores infinity as 1.8e308, so infinite values are left out and named in the tag `ageui.infinite`. If this
    fails or is interrupted, the incomplete run is deleted; one that a killed export left is replaced the next time.

    Parameters
    ----------
    run
        A run without private parts, see `shareable`.
    step_losses
        Its losses by step.
    files
        Artifacts by name.
    server
        The server's address, or another tracking URI of MLflow.
    experiment
        The name of the experiment, which is made if it does not exist.
    replaces
        Whether to replace an earlier export of this run in the experiment.

    Raises
    ------
    ConfigError
        Without the extra `mlflow`, or if the run is there already.
    DataError
        If the server cannot be reached or refuses something.
    """
    for name, value in _SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    needs(EXTRA, "mlflow")
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        client = MlflowClient(tracking_uri=server)
        found = client.get_experiment_by_name(experiment)
        experiment_id = found.experiment_id if found is not None else client.create_experiment(experiment)
        earlier = client.search_runs([experiment_id], f"tags.`{_UUID}` = '{run.uuid}'")
        complete = [one.info.run_id for one in earlier if one.info.status != _RUNNING]
        if complete and not replaces:
            raise ConfigError(
                f"run {run.id} ({run.name}) is in the experiment {experiment!r} of {without_password(server)} already; "
                "replace it with --force, or choose another --experiment"
            )
        logged = _log(client, experiment_id, run, step_losses, files)
        for one in earlier:
            client.delete_run(one.info.run_id)
        return logged
    except MlflowException as error:
        reason = short(str(error).partition("\n")[0], _LONGEST_REASON)
        raise DataError(without_password(f"the MLflow server {server} failed: {reason}")) from error


def _log(client: Any, experiment_id: str, run: RunDetail, step_losses: Points, files: Mapping[str, bytes]) -> LoggedRun:
    from mlflow.entities import Metric, Param, RunTag

    start = run.row.started_at or run.row.created_at
    milliseconds = round(start.timestamp() * 1000)
    points = [(name, step, value) for name, curve in curves(run, step_losses).items() for step, value in curve]
    kept = run.kept_epoch.epoch if run.kept_epoch is not None else 0
    points += [(name, kept, value) for name, value in figures(run).items()]
    infinite = list(_infinite(points))
    sentence = f"infinite values, which MLflow cannot store: {short_list(infinite)}" if infinite else ""
    tags = {
        _UUID: run.uuid,
        "ageui.version": __version__,
        "ageui.run": run.name,
        "ageui.status": run.status,
        "ageui.data": run.data_spec.get("name"),
        "ageui.data_hash": run.data_hash,
        "ageui.tags": ", ".join(run.row.tags) or None,
        "ageui.derived_from": run.derived_from.source_names if run.derived_from is not None else None,
        "ageui.pretraining": run.pretraining,
        "ageui.infinite": sentence or None,
    }
    metrics = [Metric(metric_key(name), value, milliseconds, step) for name, step, value in points
               if not math.isinf(value)]  # fmt: skip
    params = [Param(name, short(str(value), _LONGEST_PARAM)) for name, value in settings(run).items()]
    run_id = client.create_run(experiment_id, start_time=milliseconds, run_name=run.name).info.run_id
    try:
        client.log_batch(run_id, tags=[RunTag(name, short(text, _LONGEST_TAG)) for name, text in tags.items() if text])
        for some in _parts(params, _MOST_PARAMS):
            client.log_batch(run_id, params=some)
        for some in _parts(metrics, _MOST_METRICS):
            client.log_batch(run_id, metrics=some)
        with TemporaryDirectory(prefix="ageui-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            client.log_artifacts(run_id, folder)
        status = _STATUSES.get(run.status)
        if status is not None:
            ended = run.row.ended_at
            client.set_terminated(run_id, status, round(ended.timestamp() * 1000) if ended is not None else None)
    except BaseException:
        with suppress(Exception):
            client.delete_run(run_id)
        raise
    return LoggedRun(run_id, sentence)


def _infinite(points: Sequence[tuple[str, int, float]]) -> Iterator[str]:
    for name, step, value in points:
        if math.isinf(value):
            yield f"{name} {value:+} at {step}"


def _parts(entries: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(entries), most):
        yield entries[start : start + most]
