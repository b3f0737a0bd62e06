"""The store's records of runs: plain and frozen, and valid even after the database is closed.

Errors and biases are in years, losses on ages divided by 100, times are aware and in UTC.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ageui.store.derived_from import DerivedFrom
from ageui.store.score_records import SplitScores
from ageui.store.tables import DERIVED, PUBLISHED
from ageui.text.plain_json import plain_json
from engine.choices import REPORT_ATTRIBUTES, SPLIT_PREFERENCE
from engine.config import build_config
from engine.errors import ConfigError
from engine.events import Epoch
from engine.load_report import LoadReport
from engine.pretraining import pretraining_of


@dataclass(frozen=True)
class Summary:
    """The newest figures of a run. `bias` and `p_value` (that of no bias) map the report's attributes, as does
    `val_bias`, the biases of the newest scored epoch on the validation split.

    The scores are those of `split`: test if it has labels, else valid, else train; None until a split is scored.
    `total_steps` to `activity` are the progress of a running run: `eta_seconds` remain of its stage; `activity` is its
    work other than training, such as `reading images 300/4065`.
    """

    epochs: int
    stage: int | None
    epoch: int | None
    step: int | None
    train_loss: float | None
    val_loss: float | None
    val_mae: float | None
    best_val_loss: float | None
    best_epoch: int | None
    split: str | None
    mae: float | None
    mae_low: float | None
    mae_high: float | None
    baseline_mae: float | None
    total_steps: int | None
    images_per_second: float | None
    eta_seconds: float | None
    activity: str | None
    bias: Mapping[str, float | None]
    p_value: Mapping[str, float | None]
    val_bias: Mapping[str, float | None] = field(default_factory=lambda: dict.fromkeys(REPORT_ATTRIBUTES))


@dataclass(frozen=True)
class RunRow:
    """A run as shown in lists. `error` says why an unfinished run ended; `failure` names the cause in one word.

    `attempt` is the number of the newest attempt. `request` is the pending request to a running run.
    """

    id: int
    name: str
    status: str
    source: str
    config: dict[str, Any]
    config_hash: str
    tags: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    note: str | None
    attempt: int
    priority: int
    request: str | None
    failure: str | None
    archived_at: datetime | None
    summary: Summary

    @property
    def is_published(self) -> bool:
        """Whether its figures come from the report, not from our own training."""
        return self.source == PUBLISHED

    @property
    def is_derived(self) -> bool:
        """Whether its predictions derive from those of other runs."""
        return self.source == DERIVED

    @property
    def has_later_stage(self) -> bool:
        """Whether a stage with epochs follows the current one."""
        return any((self.config.get("epochs") or ())[self.summary.stage or 1 :])

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON; non-finite floats are the strings `nan`, `inf` and `-inf`."""
        return dict(plain_json(with_iso_times({**vars(self), "summary": vars(self.summary)})))


@dataclass(frozen=True)
class CheckpointRow:
    """A file of weights; `path` is relative to the database's folder, with `/`.

    Kind `best` holds the weights to keep, kind `state` a training state to resume from.
    """

    kind: str
    path: str
    epoch: int
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True)
class AttemptRow:
    """A process's attempt at a run; `worker` is None in the foreground, `seconds` is the duration of the process.

    The attempt continued after `step`. `replayed` counts points that an earlier attempt had stored, `differing` those
    with other values. `peak_memory_bytes` is that of the GPU if used, else of the process.
    """

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    reason: str | None
    pid: int
    host: str
    manifest: dict[str, Any] | None
    worker: str | None
    device: str | None
    failure: str | None
    step: int | None
    seconds: float | None
    replayed: int
    differing: int
    notes: tuple[str, ...]
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class RunDetail:
    """A complete run, without its predictions and per-step points.

    `derived_from` is None for a trained run. `uuid` is the same in every copy of the database.
    """

    row: RunRow
    data_spec: dict[str, Any]
    data_hash: str | None
    splits: Any
    manifest: dict[str, Any] | None
    history: tuple[Epoch, ...]
    results: tuple[SplitScores, ...]
    checkpoints: tuple[CheckpointRow, ...]
    attempts: tuple[AttemptRow, ...]
    derived_from: DerivedFrom | None = None
    uuid: str | None = None

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def status(self) -> str:
        return self.row.status

    @property
    def config(self) -> dict[str, Any]:
        return self.row.config

    @property
    def command(self) -> str | None:
        """The command that makes this run again; None if this ageui cannot run its config."""
        if self.derived_from is not None:
            return self.derived_from.command
        try:
            return build_config(self.config).command() + self.folds_option
        except ConfigError:
            return None

    @property
    def folds_option(self) -> str:
        """The option that repeats the run's folds, after a space; empty for a run on its data's own splits."""
        fold = self.data_spec.get("fold")
        return f" --folds {fold[1]}" if fold else ""

    @property
    def trainings(self) -> frozenset[str]:
        """Identifiers, valid in every database, of the trainings behind the run; several for an ensemble."""
        return frozenset((self.manifest or {}).get("trainings", [self.uuid or str(self.id)]))

    @property
    def kept(self) -> CheckpointRow | None:
        """The weights to keep; None before the first epoch has ended."""
        return next((checkpoint for checkpoint in self.checkpoints if checkpoint.kind == "best"), None)

    @property
    def kept_epoch(self) -> Epoch | None:
        """The epoch whose weights are kept, or would be if the run ended now; None before the first epoch ended."""
        keeps_last = self.config.get("keep") == "last"
        return next(
            (epoch for epoch in reversed(self.history) if epoch.is_best or (keeps_last and epoch.is_finite)), None
        )

    @property
    def first_weights(self) -> str:
        """A sentence about the weights loaded before the first step, and their file; empty if random or unknown."""
        try:
            report = LoadReport.of((self.manifest or {}).get("weights") or {})
        except TypeError:
            return ""
        return "; ".join((report.sentence(), *report.warnings)) if report.sha256 is not None else ""

    @property
    def pretraining(self) -> str | None:
        """A sentence about unknown images on which its first weights were pretrained; None if there are none."""
        return pretraining_of(self.config, self.manifest)

    @property
    def peak_memory_bytes(self) -> int | None:
        """The largest peak memory of an attempt; None if no attempt reported one."""
        return max((one.peak_memory_bytes for one in self.attempts if one.peak_memory_bytes is not None), default=None)

    @property
    def primary_scores(self) -> SplitScores | None:
        """The scores on the test split if it has labels, else on valid, else on train."""
        found = (self.scores(split) for split in SPLIT_PREFERENCE)
        return next((scores for scores in found if scores is not None), None)

    def scores(self, split: str) -> SplitScores | None:
        return next((scores for scores in self.results if scores.split == split), None)

    def to_json(self) -> dict[str, Any]:
        """The contract of `ageui show --json`; non-finite floats are the strings `nan`, `inf` and `-inf`."""
        row = self.row.to_json()
        detail = {
            "command": self.command,
            "data": {"name": self.data_spec["name"], "hash": self.data_hash, "splits": self.splits, **self._source()},
            "manifest": self.manifest or {},
            "pretraining": self.pretraining,
            "memory": {"peak_bytes": self.peak_memory_bytes},
            "history": [asdict(epoch) for epoch in self.history],
            "results": [scores.to_json() for scores in self.results],
            "checkpoints": [asdict(checkpoint) for checkpoint in self.checkpoints],
            "attempts": [with_iso_times(asdict(attempt)) for attempt in self.attempts],
            "derived_from": asdict(self.derived_from) if self.derived_from else None,
        }
        return {**row, **dict(plain_json(detail))}

    def _source(self) -> dict[str, Any]:
        return {"spec": {key: value for key, value in self.data_spec.items() if key != "name"}}


def with_iso_times(record: dict[str, Any]) -> dict[str, Any]:
    """A record as plain data, with times as ISO 8601 text."""
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in record.items()}
