"""The sections of one run: its scores, its training and its data."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import figure_name, split_title
from ageui.compare.run_tables import epochs_table, published_table
from ageui.present.figures import COUNT, LOSS, NUMBER, P_VALUE, SIGNED_YEARS, between, number
from ageui.present.table import Cell, Table, figure_columns, name_columns, words
from ageui.report.document import Block, Bullets, Code, Folded, Paragraph, Plot, Section
from ageui.report.plots import curves, group_bars, predicted_by_age
from ageui.report.run_facts import RunFacts, plot_name, sentence
from ageui.text.duplicates import duplicates_line
from ageui.text.folds import fold_sentence
from ageui.text.sentences import counted, gigabytes
from engine.config import RunConfig

if TYPE_CHECKING:
    from ageui.store.score_records import Predictions

WORST_SHOWN = 20


def lead(run: RunFacts) -> tuple[Block, ...]:
    """A few sentences: what the run is, how it ended, and its MAE."""
    row = run.detail.row
    state = "published" if run.is_published else "derived" if row.is_derived else row.status
    said = [f"Run {row.id}, {state}{f', archived {row.archived_at:%Y-%m-%d}' if row.archived_at else ''}."]
    if run.scores is None:
        said.append(run.why_unscored)
    else:
        result, mae = run.scores.result, run.cells[0][1]
        width = f" ({between(mae.interval)}, 95%)" if mae.interval else ""
        said.append(f"MAE {number(mae.value)} years{width} on {counted(result.n, 'image')} of {run.scores.split}.")
    blocks: list[Block] = [Paragraph(" ".join(said))]
    if (made := run.detail.derived_from) is not None:
        blocks.append(Paragraph(sentence(f"{row.config['derived']}, made from {made.source_names}")))
        blocks += [Paragraph(sentence(made.note))] if made.note else []
    if row.tags:
        blocks.append(Paragraph(f"Tags: {', '.join(row.tags)}."))
    if row.note:
        blocks.append(Paragraph(f"Note: {row.note}"))
    if row.error:
        blocks.append(Code(row.error))
    return tuple(blocks)


def run_sections(run: RunFacts) -> tuple[Section, ...]:
    """All sections with something to say, except the model card."""
    found = (
        _scores(run),
        _curves(run),
        _predictions(run),
        _groups(run),
        _worst(run),
        _config(run),
        _training(run),
        _data(run),
    )
    return tuple(section for section in found if section.blocks)


def _scores(run: RunFacts) -> Section:
    if run.is_published:
        columns = (*name_columns("figure"), *figure_columns("value"))
        title = "Published figures; MAE and biases in years, lower is better"
        return Section("Scores", (replace(published_table(run.detail.row.summary), columns=columns, title=title),))
    if run.scores is None:
        return Section("Scores", (Paragraph(run.why_unscored),))
    rows = [_score(column, cell, run.constant[place] if run.constant else Cell())
            for place, (column, cell) in enumerate(run.cells)]  # fmt: skip
    result = run.scores.result
    rows.append((words("signed error"), Cell(result.signed, unit=SIGNED_YEARS), *[Cell()] * 5))
    always = f"constant {result.baseline.age:.1f}" if result.baseline else "constant"
    caption = f"{split_title(run.scores)}, {counted(result.n, 'image')}; in years, lower is better"
    columns = figure_columns("value", "95% interval", "inside noise", "p", "detectable", always)
    table = Table((*name_columns("figure"), *columns), tuple(rows), caption)
    meanings = [
        "A bias is the mean gap between the MAEs of an attribute's groups, over all pairs of groups.",
        "Inside noise: cannot be told from no bias, since p, its p-value in a permutation test, is above 0.05.",
        "Detectable: the smallest figure that four of five samples of groups of these sizes would reveal.",
        "Signed error: mean of predicted − true age. Signed gap: the mean gap between the signed errors of groups.",
        *(["The constant predictor always says the mean age of the train images."] if result.baseline else []),
        *(f"{figure_name(column)}: {cell.reason}." for column, cell in run.cells if cell.reason),
        *((sentence(line),) if (line := _duplicates(run)) else ()),
        *(f"{counted(bias.missing, 'image')} without {bias.attribute}." for bias in result.biases if bias.missing),
        *(sentence(note) for note in run.notes),
    ]
    return Section("Scores", (table, Bullets(tuple(meanings))))


def _duplicates(run: RunFacts) -> str | None:
    scores = run.scores
    if scores is None or scores.in_train is None:
        return None
    return duplicates_line(scores.split, scores.result.n, scores.in_train, scores.data_name, str(run.detail.id))


def _score(column: str, cell: Cell, constant: Cell) -> tuple[Cell, ...]:
    is_known = cell.p_value is not None and cell.value is not None
    verdict = ("yes" if cell.inside_noise else "no") if is_known else None
    beside = Cell(constant.value, note=between(constant.interval))
    name, interval = words(figure_name(column)), words(between(cell.interval))
    p_value = Cell(cell.p_value, unit=P_VALUE)
    return (name, Cell(cell.value, unit=cell.unit), interval, words(verdict), p_value, Cell(cell.detectable), beside)


def _curves(run: RunFacts) -> Section:
    history = run.detail.history
    if not history:
        return Section("Curves")
    losses = [epoch.val_loss for epoch in history if epoch.val_loss is not None]
    best = run.best_epoch
    said = [f"Losses over {counted(len(history), 'epoch')}."]
    if losses:
        said.append(f"The validation loss goes from {number(losses[0], LOSS)} to {number(losses[-1], LOSS)}.")
        said += [f"Its best is that of epoch {best.epoch}."] if best else []
    else:
        said.append("There is no validation loss: no labelled validation images.")
    drawing = curves(plot_name(run.detail, "curves"), history)
    kept = run.detail.kept_epoch.epoch if run.detail.kept_epoch else None
    caption = " ".join(said)
    shown: Block = Paragraph(f"{caption} None of them is a finite number, so there is nothing to draw.")
    if drawing:
        shown = Plot(plot_name(run.detail, "curves"), caption, f"Curves. {caption}", drawing)
    return Section(
        "Curves", (shown, Folded(epochs_table(history, "Every epoch; ★ marks the best of a column", kept=kept)))
    )


def _predictions(run: RunFacts) -> Section:
    if run.predictions is None or run.scores is None:
        missing = (Paragraph("No prediction is stored with it, so errors of single images cannot be shown."),)
        return Section("Predictions", missing if run.scores else ())
    name = plot_name(run.detail, "predictions")
    drawing = predicted_by_age(name, run.predictions)
    if drawing is None:
        return Section("Predictions", (Paragraph("None of the predictions is a finite number."),))
    finite = np.isfinite(run.predictions.predicted)
    ages, predicted = run.predictions.ages[finite], run.predictions.predicted[finite]
    caption = (
        f"Predicted by true age, {counted(len(ages), 'image')} of {run.scores.split}. Ages go from {ages.min():.1f} to "
        f"{ages.max():.1f}, predictions from {predicted.min():.1f} to {predicted.max():.1f} years."
    )
    blocks: list[Block] = [Plot(name, caption, f"Scatter. {caption}", drawing)]
    if not finite.all():
        blocks.append(Paragraph(f"{counted(int((~finite).sum()), 'prediction')} left out: not a finite number."))
    return Section("Predictions", tuple(blocks))


def _groups(run: RunFacts) -> Section:
    if run.scores is None or not run.scores.result.biases:
        missing = "The images have no attributes and no age groups."
        return Section("Groups", (Paragraph(missing),) if run.scores else ())
    result = run.scores.result
    has_intervals = any(group.interval for bias in result.biases for group in bias.groups)
    name = plot_name(run.detail, "groups")
    drawing = group_bars(name, result)
    worst = [f"{bias.attribute} {bias.worst.group}" for bias in result.biases if bias.worst and len(bias.groups) > 1]
    caption = f"MAE of each group on {run.scores.split}" + (f"; largest for {', '.join(worst)}." if worst else ".")
    caption += " Lines are 95% intervals." if has_intervals else ""
    blocks: list[Block] = [Plot(name, caption, f"Bars. {caption}", drawing)] if drawing else []
    rows = tuple(
        (
            words(bias.attribute),
            words(group.group),
            Cell(group.n, unit=COUNT),
            Cell(group.mae),
            words(between(group.interval)),
            Cell(group.signed, unit=SIGNED_YEARS),
        )
        for bias in result.biases
        for group in bias.groups
    )
    columns = (*name_columns("attribute", "group"), *figure_columns("images", "MAE", "95% interval", "signed error"))
    return Section("Groups", (*blocks, Table(columns, rows, "Errors by group, in years")))


def _worst(run: RunFacts) -> Section:
    if run.predictions is None or run.scores is None:
        return Section("Worst errors")
    predictions = run.predictions
    rows = tuple(_worst_row(predictions, place) for place in worst_places(predictions))
    names = name_columns("image", *predictions.attributes)
    columns = (*names, *figure_columns("index", "true age", "predicted", "error"))
    caption = f"The {len(rows)} largest errors on {run.scores.split}, in years; the index counts its images from 0"
    return Section("Worst errors", (Table(columns, rows, caption),))


def worst_places(predictions: "Predictions", shown: int = WORST_SHOWN) -> list[int]:
    """The places of the largest errors, largest first; an error that is not a number counts as the largest."""
    errors = np.abs(predictions.predicted.astype(np.float64) - predictions.ages)
    return [int(place) for place in np.argsort(-np.nan_to_num(errors, nan=math.inf), kind="stable")[:shown]]


def _worst_row(predictions: "Predictions", place: int) -> tuple[Cell, ...]:
    age, predicted = float(predictions.ages[place]), float(predictions.predicted[place])
    groups = (words(values[place]) for values in predictions.attributes.values())
    error = Cell(predicted - age, unit=SIGNED_YEARS)
    return (words(predictions.names[place]), *groups, Cell(place, unit=NUMBER), Cell(age), Cell(predicted), error)


def _config(run: RunFacts) -> Section:
    config, command = run.detail.config, run.detail.command
    meanings = {name: field.description or "" for name, field in RunConfig.model_fields.items()}
    rows = [(name, setting(config, name), meanings.get(name, "")) for name in config]
    blocks: list[Block] = [Folded(Table.of_names(("setting", "value", "meaning"), rows, "Every setting"))]
    if command is not None:
        does = "trains the same config" if run.is_published else "repeats it"
        blocks = [Paragraph(f"The command that {does}:"), Code(command), *blocks]
    return Section("Config", tuple(blocks))


def _training(run: RunFacts) -> Section:
    """The machine, time and memory of the training; empty for published figures."""
    facts, detail = run.facts, run.detail
    peak = detail.peak_memory_bytes
    attempts = [attempt for attempt in detail.attempts if attempt.replayed]
    rows: list[tuple[str, Any]] = [
        ("started", detail.row.started_at and f"{detail.row.started_at:%Y-%m-%d %H:%M} UTC"),
        ("ended", detail.row.ended_at and f"{detail.row.ended_at:%Y-%m-%d %H:%M} UTC"),
        ("seconds", run.seconds and f"{run.seconds:.1f}"),
        ("peak memory", peak and gigabytes(peak)),
        ("attempts", len(detail.attempts) if len(detail.attempts) > 1 else None),
        *(
            (f"attempt {one.number}", f"{counted(one.replayed, 'point')} again, {one.differing} differ")
            for one in attempts
        ),
        ("device", facts.get("device")),
        ("arithmetic", facts.get("dtype")),
        ("placement", facts.get("placement")),
        ("threads", facts.get("threads")),
        ("platform", facts.get("platform")),
        *((f"{library} version", version) for library, version in facts.get("versions", {}).items()),
    ]
    known = _known(rows)
    table = Table.of_names(("what", "value"), known, "How and where it was trained")
    return Section("Training and versions", (table,) if known else ())


def _data(run: RunFacts) -> Section:
    spec, facts = run.detail.data_spec, run.facts
    rows: list[tuple[str, Any]] = [("name", spec.get("name")), ("format", spec.get("format"))]
    rows += [("target", f"{run.detail.config['target']} age" if "target" in run.detail.config else None)]
    rows += [(split, _split_sizes(sizes)) for split, sizes in (run.detail.splits or {}).items()]
    rows += [
        ("folds", fold_sentence(spec) or None),
        ("left out", counted(facts["left_out"], "bad item") if facts.get("left_out") else None),
        ("images without a found face", facts.get("faceless")),
        ("hash of the data", run.detail.data_hash),
        ("hash of the scored images", run.scores and run.scores.images),
    ]
    return Section("Data", (Table.of_names(("what", "value"), _known(rows), "Data set and splits"),))


def _split_sizes(sizes: Any) -> str:
    images, labelled = sizes["images"], sizes["labelled"]
    return counted(images, "image") + ("" if images == labelled else f", {labelled:,} of them labelled")


def _known(rows: list[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in rows if value is not None)
