"""The tables of runs.db as SQLModel classes. `migrations` creates them; a test compares both.

Times are aware UTC. All errors and biases are in years, losses on ages divided by 100.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Table, desc, text
from sqlmodel import Field, SQLModel

from ageui.store.column_types import Json, Real, UtcTime

STATUSES = ("queued", "running", "paused", "done", "diverged", "failed", "cancelled", "interrupted")
MEASURED, PUBLISHED, DERIVED, IMPORTED = "measured", "report", "derived", "imported"
"""The source of a run's figures: our training, the report, the predictions of other runs, or another tool."""
NOT_MEASURED = (PUBLISHED, IMPORTED)
"""The sources of figures that nobody measured here."""
_STATUS_CHECK = f"status IN ({', '.join(map(repr, STATUSES))})"


class Database(SQLModel, table=True):
    """One row: the identity of this database, and the folder for the files of its runs.

    `files` is the folder, relative to the database's own unless absolute. An example never changes: changes go to a
    copy.
    """

    __tablename__ = "database"
    __table_args__: ClassVar[Any] = (CheckConstraint("id = 1", name="one_database"),)

    id: int = Field(default=1, primary_key=True)
    uuid: str
    files: str | None = None
    is_example: bool = False


class DataSet(SQLModel, table=True):
    """`counts` are those of `DataReport.counts` when the data set was registered; older versions kept none.

    `images` are the `KnownImages` of the last check.
    """

    __tablename__ = "data_set"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    spec: dict[str, Any] = Field(sa_type=Json)
    added_at: datetime = Field(sa_type=UtcTime)
    counts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    images: bytes | None = Field(default=None, sa_type=LargeBinary)


class Run(SQLModel, table=True):
    """`attempt` is the newest attempt; only its owner may write for a running run.

    Queued runs are claimed by highest `priority`, then lowest `position`. `request` is the request to a running run.
    `strikes` counts consecutive attempts that died without progress; `failure` names the reason of a failure. Lists
    omit runs with `archived_at` by default. `uuid` is the same in every copy of the database. Runs queued together
    share a `sweep`. `scoring_interval` is that of the run's epochs, see `RunRequest`.
    """

    __tablename__ = "run"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(_STATUS_CHECK, name="status_known"),
        CheckConstraint("json_valid(config)", name="config_json"),
        CheckConstraint("request IN ('pause', 'cancel', 'kill')", name="request_known"),
        Index("run_queue", desc("priority"), "position", sqlite_where=text("status = 'queued'")),
        Index("run_running", "id", sqlite_where=text("status = 'running'")),
        Index("run_config_hash", "config_hash"),
        Index("run_shown", "archived_at", "status", "priority", "position"),
        Index("run_uuid", "uuid", unique=True),
        Index("run_sweep", "sweep"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    status: str = "queued"
    source: str = MEASURED
    config: dict[str, Any] = Field(sa_type=Json)
    config_hash: str
    attempt: int = 0
    created_at: datetime = Field(sa_type=UtcTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    error: str | None = None
    note: str | None = None
    data_spec: dict[str, Any] = Field(sa_type=Json)
    data_hash: str | None = None
    manifest: dict[str, Any] | None = Field(default=None, sa_type=Json)
    splits: dict[str, Any] | None = Field(default=None, sa_type=Json)
    priority: int = 0
    position: float = Field(default=0.0, sa_type=Real)
    request: str | None = None
    strikes: int = 0
    failure: str | None = None
    archived_at: datetime | None = Field(default=None, sa_type=UtcTime)
    uuid: str | None = None
    sweep: str | None = None
    scoring_interval: int = 1


class RunTag(SQLModel, table=True):
    __tablename__ = "run_tag"
    __table_args__: ClassVar[Any] = (Index("run_tag_tag", "tag"), {"sqlite_with_rowid": False})

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True)


class Attempt(SQLModel, table=True):
    """A process's attempt at a run, from its claim to its end.

    `worker` is the device of the supervising worker, None in the foreground; `pid` is the supervising process. The
    attempt continued after `step`. `replayed` counts points that an earlier attempt had stored, `differing` those with
    other values. `peak_memory_bytes` is that of the GPU if used, else of the process.

    On a cluster, `job` is the id of its job, empty until that is known; the job runs on `node` with `gpu`, or has not
    started because it is `waiting_for` something. Events below `next_event` are stored. Elsewhere `job` is None.
    """

    __tablename__ = "attempt"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    started_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str | None = None
    pid: int
    host: str
    manifest: dict[str, Any] | None = Field(default=None, sa_type=Json)
    reason: str | None = None
    worker: str | None = None
    device: str | None = None
    failure: str | None = None
    step: int | None = None
    seconds: float | None = Field(default=None, sa_type=Real)
    replayed: int = 0
    differing: int = 0
    notes: list[Any] = Field(default_factory=list, sa_type=Json)
    peak_memory_bytes: int | None = None
    job: str | None = None
    node: str | None = None
    gpu: str | None = None
    waiting_for: str | None = None
    next_event: int = 0


class Metric(SQLModel, table=True):
    """A point of a curve: `epoch/…` keys count in epochs over all stages, `step/…` keys in steps over the run."""

    __tablename__ = "metric"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("typeof(value) <> 'text' OR value = 'nan'", name="value_number"),
        {"sqlite_with_rowid": False},
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    key: str = Field(primary_key=True)
    step: int = Field(primary_key=True)
    value: float = Field(sa_type=Real)


class EpochScore(SQLModel, table=True):
    """The scores on the validation split after an epoch: the fields of `EpochScores`.

    `groups` holds lists of name, count, MAE and mean signed error, by attribute.
    """

    __tablename__ = "epoch_scores"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    epoch: int = Field(primary_key=True)
    n: int
    mae: float = Field(sa_type=Real)
    bias: dict[str, Any] = Field(sa_type=Json)
    groups: dict[str, Any] = Field(sa_type=Json)


class RunSummary(SQLModel, table=True):
    """The newest figures of a run in one row, so that a list of runs never scans points.

    `split` is the best scored split: test, else valid, else train. `p_…` is the p-value of no bias. `total_steps` to
    `activity` are the progress of a running run. `val_bias_…` are the biases of the newest scored epoch.
    """

    __tablename__ = "summary"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    stage: int | None = None
    epoch: int | None = None
    epochs: int
    step: int | None = None
    train_loss: float | None = Field(default=None, sa_type=Real)
    val_loss: float | None = Field(default=None, sa_type=Real)
    val_mae: float | None = Field(default=None, sa_type=Real)
    best_val_loss: float | None = Field(default=None, sa_type=Real)
    best_epoch: int | None = None
    split: str | None = None
    mae: float | None = Field(default=None, sa_type=Real)
    mae_low: float | None = Field(default=None, sa_type=Real)
    mae_high: float | None = Field(default=None, sa_type=Real)
    baseline_mae: float | None = Field(default=None, sa_type=Real)
    bias_gender: float | None = Field(default=None, sa_type=Real)
    bias_expression: float | None = Field(default=None, sa_type=Real)
    bias_ethnicity: float | None = Field(default=None, sa_type=Real)
    bias_age: float | None = Field(default=None, sa_type=Real)
    total_steps: int | None = None
    images_per_second: float | None = Field(default=None, sa_type=Real)
    eta_seconds: float | None = Field(default=None, sa_type=Real)
    activity: str | None = None
    p_gender: float | None = Field(default=None, sa_type=Real)
    p_expression: float | None = Field(default=None, sa_type=Real)
    p_ethnicity: float | None = Field(default=None, sa_type=Real)
    p_age: float | None = Field(default=None, sa_type=Real)
    val_bias_gender: float | None = Field(default=None, sa_type=Real)
    val_bias_expression: float | None = Field(default=None, sa_type=Real)
    val_bias_ethnicity: float | None = Field(default=None, sa_type=Real)
    val_bias_age: float | None = Field(default=None, sa_type=Real)


class ItemSet(SQLModel, table=True):
    """The labelled images of a split, shared by all runs scored on them."""

    __tablename__ = "item_set"

    hash: str = Field(primary_key=True)
    n: int
    split: str
    target: str
    data_name: str
    items: bytes = Field(sa_type=LargeBinary)


class Result(SQLModel, table=True):
    """The scores on a split: `train`, `valid` or `test` of the run's data, or `DATA/SPLIT` of other data.

    `selected_on` is the split that selected the scored weights. `statistics` is the revision of the intervals and
    tests. `in_train` has a bit per image, set if it has a duplicate or near-duplicate in train; None if unknown.
    """

    __tablename__ = "result"
    __table_args__: ClassVar[Any] = (Index("result_items", "item_set"), Index("result_statistics", "statistics"))

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    split: str = Field(primary_key=True)
    n: int
    mae: float = Field(sa_type=Real)
    mae_low: float | None = Field(default=None, sa_type=Real)
    mae_high: float | None = Field(default=None, sa_type=Real)
    signed: float = Field(sa_type=Real)
    baseline_age: float | None = Field(default=None, sa_type=Real)
    baseline_mae: float | None = Field(default=None, sa_type=Real)
    item_set: str = Field(foreign_key="item_set.hash")
    selected_on: str | None = None
    statistics: int = 0
    in_train: bytes | None = Field(default=None, sa_type=LargeBinary)


class Prediction(SQLModel, table=True):
    """`predicted` holds little-endian float32 years in the order of the item set."""

    __tablename__ = "prediction"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(["run_id", "split"], ["result.run_id", "result.split"], ondelete="CASCADE"),
    )

    run_id: int = Field(primary_key=True)
    split: str = Field(primary_key=True)
    predicted: bytes = Field(sa_type=LargeBinary)


class Bias(SQLModel, table=True):
    __tablename__ = "bias"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(["run_id", "split"], ["result.run_id", "result.split"], ondelete="CASCADE"),
    )

    run_id: int = Field(primary_key=True)
    split: str = Field(primary_key=True)
    attribute: str = Field(primary_key=True)
    position: int
    value: float | None = Field(default=None, sa_type=Real)
    reason: str | None = None
    low: float | None = Field(default=None, sa_type=Real)
    high: float | None = Field(default=None, sa_type=Real)
    baseline: float | None = Field(default=None, sa_type=Real)
    missing: int = 0
    p_value: float | None = Field(default=None, sa_type=Real)
    detectable: float | None = Field(default=None, sa_type=Real)
    untested: str | None = None
    gap_low: float | None = Field(default=None, sa_type=Real)
    gap_high: float | None = Field(default=None, sa_type=Real)
    worst_low: float | None = Field(default=None, sa_type=Real)
    worst_high: float | None = Field(default=None, sa_type=Real)
    signed: float | None = Field(default=None, sa_type=Real)
    signed_low: float | None = Field(default=None, sa_type=Real)
    signed_high: float | None = Field(default=None, sa_type=Real)
    signed_p_value: float | None = Field(default=None, sa_type=Real)
    signed_detectable: float | None = Field(default=None, sa_type=Real)
    signed_untested: str | None = None


class GroupScore(SQLModel, table=True):
    __tablename__ = "group_result"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["run_id", "split", "attribute"], ["bias.run_id", "bias.split", "bias.attribute"], ondelete="CASCADE"
        ),
    )

    run_id: int = Field(primary_key=True)
    split: str = Field(primary_key=True)
    attribute: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    group_name: str
    n: int
    mae: float | None = Field(default=None, sa_type=Real)
    signed: float | None = Field(default=None, sa_type=Real)
    low: float | None = Field(default=None, sa_type=Real)
    high: float | None = Field(default=None, sa_type=Real)


class FigureScore(SQLModel, table=True):
    """A further figure of a run on a split, by its name in `engine.figure_forms`."""

    __tablename__ = "figure"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(["run_id", "split"], ["result.run_id", "result.split"], ondelete="CASCADE"),
        {"sqlite_with_rowid": False},
    )

    run_id: int = Field(primary_key=True)
    split: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: float | None = Field(default=None, sa_type=Real)
    low: float | None = Field(default=None, sa_type=Real)
    high: float | None = Field(default=None, sa_type=Real)
    note: str | None = None


class Derivation(SQLModel, table=True):
    """The way a derived run is made from its sources.

    `operation` and `options` are those of `engine.derived_methods`, plus the details of the fit. `parameters` are
    given, or fitted to all images of the split `fitted_on`. `folds` holds a byte per image of that split; the stored
    prediction of an image comes from parameters fitted to the other folds.
    """

    __tablename__ = "derivation"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    operation: str
    options: dict[str, Any] = Field(sa_type=Json)
    parameters: list[Any] = Field(sa_type=Json)
    fitted_on: str | None = None
    folds: bytes | None = Field(default=None, sa_type=LargeBinary)


class DerivationSource(SQLModel, table=True):
    """A run behind a derived run. It may be deleted; `name` is its name when the derived run was made."""

    __tablename__ = "derivation_source"
    __table_args__: ClassVar[Any] = (Index("derivation_source_uuid", "uuid"),)

    run_id: int = Field(primary_key=True, foreign_key="derivation.run_id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    uuid: str
    name: str


class SourcePrediction(SQLModel, table=True):
    """A copy of a source's predictions, to which bootstrap samples fit again; in the form of `Prediction.predicted`.

    For a calibrated blend, `predicted` holds the predictions of the blend's members, one after another.
    """

    __tablename__ = "source_prediction"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["run_id", "position"], ["derivation_source.run_id", "derivation_source.position"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["run_id", "split"], ["result.run_id", "result.split"], ondelete="CASCADE"),
    )

    run_id: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    split: str = Field(primary_key=True)
    predicted: bytes = Field(sa_type=LargeBinary)


class Checkpoint(SQLModel, table=True):
    """A file of weights; `path` is relative to the folder of the database.

    `state` is the training state after `step`. The next attempt resumes from the newest state, which is committed
    together with all points up to its step. `best` are the weights to keep.
    """

    __tablename__ = "checkpoint"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    kind: str = Field(primary_key=True)
    step: int = Field(primary_key=True)
    epoch: int
    path: str
    sha256: str
    bytes: int


class Worker(SQLModel, table=True):
    """The newest worker of a device. The lock file, not this row, shows whether the worker is alive."""

    __tablename__ = "worker"

    device: str = Field(primary_key=True)
    pid: int
    host: str
    started_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str | None = None
    run_id: int | None = None
    waiting_for: str | None = None
    stop_requested: bool = False


class PausedQueue(SQLModel, table=True):
    """One row while the queue is paused, else none."""

    __tablename__ = "queue_hold"
    __table_args__: ClassVar[Any] = (CheckConstraint("id = 1", name="one_hold"),)

    id: int = Field(default=1, primary_key=True)
    reason: str
    held_at: datetime = Field(sa_type=UtcTime)


def core_table(model: type[SQLModel]) -> Table:
    """The table of a model, for statements that write many rows without an object per row."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
