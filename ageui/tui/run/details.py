"""The parts of a run's screen: how far it is, its scores, config, attempts and epochs, as text and tables."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ageui.compare.differing_settings import setting
from ageui.present.score_tables import biases_table, groups_table, published_table, scores_table
from ageui.store import RunDetail
from ageui.text.clean import clean
from ageui.text.sentences import between, gigabytes, memory_sentence
from ageui.text.states import why_no_scores
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.table_cell import DASH, bar, duration
from engine.config import FLAG_FIELDS

_PROGRESS_CELLS = 20
_EPOCHS_SHOWN = 500


def progress_line(detail: RunDetail, loads: tuple[DeviceLoad, ...], predicted: int | None) -> str:
    """How far a run is, how fast, and what its device has to do; or why and when it ended."""
    row, summary = detail.row, detail.row.summary
    if row.is_published:
        mae = f"MAE {summary.mae:.2f} years, " if summary.mae is not None else ""
        return f"{mae}out of the report: nobody here trained it"
    took = sum(attempt.seconds or 0.0 for attempt in detail.attempts)
    memory = memory_sentence(predicted, detail.peak_memory_bytes)
    if row.status != "running":
        parts = [f"{summary.epoch or 0}/{summary.epochs} epochs"]
        if took:
            parts.append(f"in {duration(took)}")
        if summary.mae is not None:
            parts.append(f"MAE {summary.mae:.2f} years on {summary.split}{_interval(detail)}")
        if memory:
            parts.append(memory)
        if row.error:
            parts.append(clean(row.error.splitlines()[0]))
        return " · ".join(parts)
    if summary.activity and not summary.step:
        return clean(summary.activity)
    done, total = summary.step or 0, summary.total_steps or 0
    stages = len(detail.config.get("epochs") or ()) or 1
    more = "+" if (summary.stage or 1) < stages else ""
    parts = [
        f"{bar(done, total, _PROGRESS_CELLS)} step {done:,}/{total:,}",
        f"epoch {summary.epoch or 0}/{summary.epochs} ended",
        f"ETA {duration(summary.eta_seconds)}{more}",
        f"{summary.images_per_second:,.0f} images/s" if summary.images_per_second else DASH,
    ]
    device = detail.attempts[-1].device if detail.attempts else None
    parts += [f"{load.name} {load.load:.0%}, {load.memory}" for load in loads if load.name == device]
    if memory:
        parts.append(memory)
    if summary.activity:
        parts.append(clean(summary.activity))
    return " · ".join(parts)


def _interval(detail: RunDetail) -> str:
    scores = detail.primary_scores
    interval = scores.result.mae_interval if scores is not None else None
    return f" ({between(interval)})" if interval is not None else ""


def scores_tables(detail: RunDetail) -> RenderableType:
    """The figures of every split, then the biases and groups of the one that counts."""
    scores = detail.primary_scores
    if scores is None:
        return instead_of_scores(detail)
    return Group(scores_table(detail), "", biases_table(scores), "", groups_table(scores))


def instead_of_scores(detail: RunDetail) -> RenderableType:
    """Why a run has no scores; of a published one its figures, too."""
    why = Text(clean(why_no_scores(detail.row)), style="dim")
    return Group(published_table(detail.row.summary), "", why) if detail.row.is_published else why


def _nothing(detail: RunDetail, yet: str) -> Text:
    return Text("nobody here trained it" if detail.row.is_published else yet, style="dim")


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title)
    return table


def config_table(detail: RunDetail) -> Table:
    """Every field, as flag or --set; then the command, the data and where it was computed."""
    table = _table("field", "value")
    for name in detail.config:
        flag = f"--{name}" if name in FLAG_FIELDS else f"--set {name}"
        table.add_row(Text(flag), Text(clean(setting(detail.config, name))))
    table.add_row("", "")
    command = "the like of it" if detail.row.is_published else "command"
    table.add_row(command, Text(clean(detail.command or "this ageui cannot run this config any more")))
    table.add_row("data", Text(clean(f"{detail.data_spec.get('name')} {detail.data_spec.get('path') or ''}")))
    if detail.row.note:
        table.add_row("note", Text(clean(detail.row.note)))
    if detail.manifest:
        manifest = detail.manifest
        table.add_row("computed on", Text(clean(f"{manifest.get('device')}: {manifest.get('placement')}")))
        versions = manifest.get("versions") or {}
        table.add_row("versions", Text(clean(", ".join(f"{name} {version}" for name, version in versions.items()))))
    for file in detail.checkpoints:
        what = "best weights" if file.kind == "best" else "checkpoint"
        table.add_row(what, Text(clean(f"{file.path}, epoch {file.epoch}, sha256 {file.sha256[:16]}…")))
    return table


def what_config_shows(detail: RunDetail) -> tuple[object, ...]:
    """All that `config_table` shows: it is the same where this is."""
    return detail.config, detail.data_spec, detail.row.note, detail.manifest, detail.checkpoints


def attempts_table(detail: RunDetail) -> Table | Text:
    """An attempt a row, with why it ended and what was noted."""
    if not detail.attempts:
        return _nothing(detail, "nobody has worked on it yet")
    table = _table(
        "attempt", "started", "took", "memory", "on", "after step", "end", "repeated points", "why, and what was noted"
    )
    for attempt in detail.attempts:
        repeated = f"{attempt.replayed:,}, {attempt.differing:,} differ" if attempt.replayed else DASH
        said = "\n".join(filter(None, (attempt.reason, *map(str, attempt.notes))))
        table.add_row(
            str(attempt.number),
            f"{attempt.started_at.astimezone():%m-%d %H:%M:%S}",
            duration(attempt.seconds),
            DASH if attempt.peak_memory_bytes is None else gigabytes(attempt.peak_memory_bytes),
            Text(clean(attempt.worker or "foreground")),
            f"{attempt.step:,}" if attempt.step else "0",
            Text(clean(attempt.outcome or "runs")),
            repeated,
            Text(clean(said, lines=True)),
        )
    return table


def epochs_table(detail: RunDetail) -> Table | Text:
    """The newest epochs, the last one first."""
    if not detail.history:
        return _nothing(detail, "no epoch has ended yet")
    table = _table("epoch", "stage", "train loss", "val loss", "val MAE", "learning rate", "seconds", "images/s")
    for epoch in reversed(detail.history[-_EPOCHS_SHOWN:]):
        best = " ★" if epoch.is_best else ""
        table.add_row(
            str(epoch.epoch),
            str(epoch.stage),
            f"{epoch.train_loss:.5g}",
            DASH if epoch.val_loss is None else f"{epoch.val_loss:.5g}{best}",
            DASH if epoch.val_mae is None else f"{epoch.val_mae:.2f}",
            f"{epoch.lr:g}",
            f"{epoch.seconds:.2f}",
            f"{epoch.images_per_second:,.0f}",
        )
    if len(detail.history) > _EPOCHS_SHOWN:
        table.add_row(f"… {len(detail.history) - _EPOCHS_SHOWN:,} more: ageui show {detail.row.id} --json")
    return table
