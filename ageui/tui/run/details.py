"""The scores, config, attempts and epochs of a run as text and tables."""

import os

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ageui.compare.differing_settings import setting
from ageui.compare.run_tables import biases_table, epochs_table, groups_table, published_table, scores_table
from ageui.present.figures import duration
from ageui.present.table import Table
from ageui.present.terminal import Blocks, fit, rich_table
from ageui.store import AttemptRow, RunDetail, SplitScores
from ageui.text.clean import clean
from ageui.text.duplicates import duplicates_lines
from ageui.text.folds import fold_sentence
from ageui.text.sentences import gigabytes
from ageui.text.states import not_trained_text, why_no_scores
from engine.config import FLAG_FIELDS, RunConfig

_EPOCHS_SHOWN = 500


def scores_tables(detail: RunDetail, scores: SplitScores | None) -> RenderableType:
    """The scores on every split, then the biases and groups of one, `scores`."""
    if scores is None:
        return instead_of_scores(detail)
    figures, biases, groups = scores_table(detail), biases_table(scores), groups_table(scores)
    scored = ((one.split, one.result.n, one.in_train, one.data_name) for one in detail.results)
    lines = [Text(clean(line), style="dim") for line in duplicates_lines(scored, str(detail.id))]
    tables = (part for table in (biases, groups) for part in ("", Text(clean(table.title)), Blocks(table)))
    return Group(Blocks(figures), *lines, *tables)


def instead_of_scores(detail: RunDetail) -> RenderableType:
    """The reason why a run has no scores, after its figures if it is published."""
    if detail.status == "running" and detail.history and detail.history[-1].scores is not None:
        return Text("intervals and tests follow when the run has ended", style="dim")
    why = Text(clean(why_no_scores(detail.row)), style="dim")
    return Group(rich_table(published_table(detail.row.summary)), "", why) if detail.row.is_published else why


def why_no_points(detail: RunDetail, curve: str, waiting: str) -> str:
    """A sentence why a curve has no points."""
    if detail.row.is_published and not detail.history:
        return f"no curves: {not_trained_text(detail.row)}"
    if detail.derived_from is not None:
        return f"no curves: made from {detail.derived_from.source_names}"
    if detail.history and detail.row.status not in ("queued", "running"):
        return f"no points: the run did not measure {curve}"
    if waiting:
        return f"no points yet: queued {waiting}"
    if detail.row.status == "running":
        return f"no points yet: {detail.row.summary.activity or 'the first epoch has not ended'}"
    return f"no points: the run is {detail.row.status}, and no epoch has ended"


def why_no_errors(detail: RunDetail, scores: SplitScores | None) -> str:
    """A sentence why errors of single images cannot be shown."""
    if scores is None:
        return why_no_scores(detail.row)
    return f"no predictions on {scores.split} are stored, so errors of single images are unknown"


def why_no_log(detail: RunDetail) -> str:
    """A sentence why the log is empty."""
    if detail.row.is_published:
        return f"no log: {not_trained_text(detail.row)}"
    if detail.derived_from is not None:
        return f"no log: made from {detail.derived_from.source_names}"
    return "no log yet" if detail.row.status in ("queued", "running") else "the log is empty, or its file is gone"


def image_folder(detail: RunDetail, scores: SplitScores) -> str:
    """The folder where the names of scored images start; empty if unknown."""
    spec = detail.data_spec
    if scores.data_name != spec.get("name"):
        return ""
    path = str(spec.get("images") or spec.get("path") or "")
    return os.path.dirname(path) if os.path.isfile(path) else path


def _nothing(detail: RunDetail, yet: str) -> Text:
    if detail.derived_from is not None:
        return Text(clean(f"not trained: made from {detail.derived_from.source_names}"), style="dim")
    return Text(not_trained_text(detail.row) if detail.row.is_published else yet, style="dim")


def config_table(detail: RunDetail) -> RichTable:
    """All fields as flags or --set, then the command, data, note, device, versions and checkpoints."""
    config = detail.config
    rows = [(_option(name), setting(config, name)) for name in config]
    rows.append(("", ""))
    command = "to train it" if detail.row.is_published else "command"
    if not detail.row.is_imported:
        rows.append((command, detail.command or "this version of ageui cannot run this config"))
    rows.append(("data", f"{detail.data_spec.get('name')} {detail.data_spec.get('path') or ''}"))
    if sentence := fold_sentence(detail.data_spec):
        rows.append(("split", sentence))
    if detail.row.note:
        rows.append(("note", detail.row.note))
    if detail.derived_from is not None:
        rows.append(("made from", detail.derived_from.source_names))
        rows += [("scores", detail.derived_from.note)] if detail.derived_from.note else []
    elif manifest := detail.manifest:
        rows.append(("computed on", f"{manifest.get('device')}: {manifest.get('placement')}"))
        if detail.first_weights:
            rows.append(("first weights", detail.first_weights))
        versions = manifest.get("versions") or {}
        rows.append(("versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    for file in detail.checkpoints:
        what = "best weights" if file.kind == "best" else "checkpoint"
        rows.append((what, f"{file.path}, epoch {file.epoch}, sha256 {file.sha256[:16]}…"))
    return rich_table(Table.of_names(("field", "value"), rows))


def _option(name: str) -> str:
    """The flag or --set of a field; other names stay unchanged."""
    if name not in RunConfig.model_fields:
        return name
    return f"--{name}" if name in FLAG_FIELDS else f"--set {name}"


def what_config_shows(detail: RunDetail) -> tuple[object, ...]:
    """The contents of `config_table`; equal for equal tables."""
    return detail.config, detail.data_spec, detail.row.note, detail.manifest, detail.checkpoints


def attempts_text(detail: RunDetail) -> Text:
    """A line per attempt, then the reason for its end and its notes."""
    if not detail.attempts:
        return _nothing(detail, "no attempt yet")
    lines = []
    for attempt in detail.attempts:
        lines.append(_attempt_line(attempt))
        notes = filter(None, (attempt.reason, *map(str, attempt.notes)))
        lines += [Text(f"  {line}", style="dim") for note in notes for line in clean(note, lines=True).splitlines()]
    return Text("\n").join(lines)


def _attempt_line(attempt: AttemptRow) -> Text:
    memory, outcome = attempt.peak_memory_bytes, clean(attempt.outcome or "running")
    facts = (
        f"started {attempt.started_at.astimezone():%m-%d %H:%M:%S}",
        f"took {duration(attempt.seconds)}" if attempt.seconds is not None else "",
        f"on {attempt.worker}" if attempt.worker else "in the foreground",
        str(attempt.where) if attempt.where is not None else "",
        f"peak {gigabytes(memory)}" if memory is not None else "",
        f"continued after step {attempt.step:,}" if attempt.step else "",
        f"{attempt.replayed:,} points repeated, {attempt.differing:,} of them differ" if attempt.replayed else "",
    )
    text = Text.assemble((f"attempt {attempt.number}: {outcome}", "bold"))
    return text.append("".join(f" · {clean(fact)}" for fact in facts if fact))


def newest_epochs(detail: RunDetail, kept: int | None, width: int) -> RenderableType:
    """The newest epochs, the latest first, without the columns that do not fit into `width` cells."""
    if not detail.history:
        return _nothing(detail, "no epoch has ended yet")
    newest = slice(None, -_EPOCHS_SHOWN - 1, -1)
    table, _ = fit(epochs_table(detail.history, kept=kept, shown=newest), width)
    more = len(detail.history) - _EPOCHS_SHOWN
    shown = rich_table(table)
    return Group(shown, f"… {more:,} more: ageui show {detail.row.id} --json") if more > 0 else shown
