"""The progress, scores, config, attempts and epochs of a run as text and tables."""

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ageui.compare.differing_settings import setting
from ageui.compare.run_tables import biases_table, epochs_table, groups_table, published_table, scores_table
from ageui.present.bars import progress_bar
from ageui.present.figures import NOTHING, between, duration, number
from ageui.present.table import Table
from ageui.present.terminal import rich_table
from ageui.store import AttemptRow, RunDetail
from ageui.text.clean import clean
from ageui.text.duplicates import duplicates_lines
from ageui.text.sentences import counted, gigabytes, memory_sentence
from ageui.text.states import why_no_scores
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.queue_state import eta_text
from engine.config import FLAG_FIELDS

_PROGRESS_CELLS = 20
_EPOCHS_SHOWN = 500


def progress_line(detail: RunDetail, loads: tuple[DeviceLoad, ...], predicted: int | None) -> str:
    """The progress and speed of a run and the load of its device, or how it ended."""
    row, summary = detail.row, detail.row.summary
    if row.is_published:
        mae = f"MAE {number(summary.mae)} years, " if summary.mae is not None else ""
        return f"{mae}from the report: nobody here trained it"
    took = sum(attempt.seconds or 0.0 for attempt in detail.attempts)
    memory = memory_sentence(predicted, detail.peak_memory_bytes)
    if row.status != "running":
        parts = [f"{summary.epoch or 0}/{counted(summary.epochs, 'epoch')}"]
        if took:
            parts.append(f"in {duration(took)}")
        if summary.mae is not None:
            parts.append(f"MAE {number(summary.mae)} years on {summary.split}{_interval(detail)}")
        if memory:
            parts.append(memory)
        if row.error:
            parts.append(clean(row.error.splitlines()[0]))
        return " · ".join(parts)
    if summary.activity and not summary.step:
        return clean(summary.activity)
    done, total = summary.step or 0, summary.total_steps or 0
    parts = [
        f"{progress_bar(done, total, _PROGRESS_CELLS)} step {done:,}/{total:,}",
        f"epoch {summary.epoch or 0}/{summary.epochs} ended",
        f"ETA {eta_text(row)}",
        f"{summary.images_per_second:,.0f} images/s" if summary.images_per_second else NOTHING,
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
    """The scores on every split, then the biases and groups of the primary one."""
    scores = detail.primary_scores
    if scores is None:
        return instead_of_scores(detail)
    figures, biases, groups = map(rich_table, (scores_table(detail), biases_table(scores), groups_table(scores)))
    scored = ((one.split, one.result.n, one.in_train, one.data_name) for one in detail.results)
    lines = [Text(clean(line), style="dim") for line in duplicates_lines(scored, str(detail.id))]
    return Group(figures, *lines, "", biases, "", groups)


def instead_of_scores(detail: RunDetail) -> RenderableType:
    """Why a run has no scores, after its figures if it is published."""
    why = Text(clean(why_no_scores(detail.row)), style="dim")
    return Group(rich_table(published_table(detail.row.summary)), "", why) if detail.row.is_published else why


def _nothing(detail: RunDetail, yet: str) -> Text:
    return Text("nobody here trained it" if detail.row.is_published else yet, style="dim")


def config_table(detail: RunDetail) -> RichTable:
    """All fields as flags or --set, then the command, data, note, device, versions and checkpoints."""
    config = detail.config
    rows = [(f"--{name}" if name in FLAG_FIELDS else f"--set {name}", setting(config, name)) for name in config]
    rows.append(("", ""))
    command = "the like of it" if detail.row.is_published else "command"
    rows.append((command, detail.command or "this ageui cannot run this config any more"))
    rows.append(("data", f"{detail.data_spec.get('name')} {detail.data_spec.get('path') or ''}"))
    if detail.row.note:
        rows.append(("note", detail.row.note))
    if manifest := detail.manifest:
        rows.append(("computed on", f"{manifest.get('device')}: {manifest.get('placement')}"))
        if detail.first_weights:
            rows.append(("first weights", detail.first_weights))
        versions = manifest.get("versions") or {}
        rows.append(("versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    for file in detail.checkpoints:
        what = "best weights" if file.kind == "best" else "checkpoint"
        rows.append((what, f"{file.path}, epoch {file.epoch}, sha256 {file.sha256[:16]}…"))
    return rich_table(Table.of_names(("field", "value"), rows))


def what_config_shows(detail: RunDetail) -> tuple[object, ...]:
    """The contents of `config_table`; equal for equal tables."""
    return detail.config, detail.data_spec, detail.row.note, detail.manifest, detail.checkpoints


def attempts_table(detail: RunDetail) -> RichTable | Text:
    """A row per attempt, including its notes and the reason for its end."""
    if not detail.attempts:
        return _nothing(detail, "nobody has worked on it yet")
    titles = (
        "attempt", "started", "took", "memory", "on", "after step", "end", "repeated points", "why, and what was noted"
    )  # fmt: skip
    return rich_table(Table.of_names(titles, map(_attempt_row, detail.attempts)))


def _attempt_row(attempt: AttemptRow) -> tuple[str, ...]:
    memory = attempt.peak_memory_bytes
    return (
        str(attempt.number),
        f"{attempt.started_at.astimezone():%m-%d %H:%M:%S}",
        duration(attempt.seconds),
        NOTHING if memory is None else gigabytes(memory),
        attempt.worker or "foreground",
        f"{attempt.step or 0:,}",
        attempt.outcome or "runs",
        f"{attempt.replayed:,}, {attempt.differing:,} differ" if attempt.replayed else NOTHING,
        "\n".join(filter(None, (attempt.reason, *map(str, attempt.notes)))),
    )


def newest_epochs(detail: RunDetail) -> RenderableType:
    """The newest epochs, the latest first."""
    if not detail.history:
        return _nothing(detail, "no epoch has ended yet")
    table = rich_table(epochs_table(detail.history[: -_EPOCHS_SHOWN - 1 : -1]))
    more = len(detail.history) - _EPOCHS_SHOWN
    return Group(table, f"… {more:,} more: ageui show {detail.row.id} --json") if more > 0 else table
