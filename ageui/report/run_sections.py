"""The sections of one run: what it scored, how it was trained, and on what."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ageui.compare.comparison import Cell
from ageui.compare.differing_settings import setting
from ageui.compare.formats.wording import NOTHING, change, figure
from ageui.report.document import Block, Bullets, Code, Figure, Paragraph, Section, Table
from ageui.report.plots import curves, group_bars, predicted_by_age
from ageui.report.run_facts import OfRun, called, figure_name, sentence
from ageui.text.sentences import between, counted, gigabytes
from engine.config import RunConfig

if TYPE_CHECKING:
    from ageui.store.records import Predictions

WORST_SHOWN = 20


def lead(of: OfRun) -> tuple[Block, ...]:
    """A few sentences: what it is, how it ended, and its figure."""
    row = of.detail.row
    state = "published" if of.is_published else row.status
    said = [f"Run {row.id}, {state}{f', archived {row.archived_at:%Y-%m-%d}' if row.archived_at else ''}."]
    if of.scores is None:
        said.append(of.why_unscored)
    else:
        result, mae = of.scores.result, of.cells[0][1]
        width = f" ({between(mae.interval)}, 95%)" if mae.interval else ""
        said.append(f"MAE {figure(mae.value)} years{width} on {counted(result.n, 'image')} of {of.scores.split}.")
    blocks: list[Block] = [Paragraph(" ".join(said))]
    if row.tags:
        blocks.append(Paragraph(f"Tags: {', '.join(row.tags)}."))
    if row.note:
        blocks.append(Paragraph(f"Note: {row.note}"))
    if row.error:
        blocks.append(Code(row.error))
    return tuple(blocks)


def run_sections(of: OfRun) -> tuple[Section, ...]:
    """All sections that there is something to say in, but for the model card."""
    found = (_scores(of), _curves(of), _predictions(of), _groups(of), _worst(of), _config(of), _training(of), _data(of))
    return tuple(section for section in found if section.blocks)


def _scores(of: OfRun) -> Section:
    if of.is_published:
        return Section("Scores", (_published(of),))
    if of.scores is None:
        return Section("Scores", (Paragraph(of.why_unscored),))
    rows: list[tuple[str, ...]] = []
    for place, (column, cell) in enumerate(of.cells):
        constant = of.constant[place] if of.constant else None
        beside = _with_interval(constant) if constant else NOTHING
        verdict = "" if cell.noise is None or cell.value is None else "yes" if cell.inside_noise else "no"
        noise = NOTHING if cell.noise is None else figure(cell.noise)
        rows.append(
            (called(column), figure(cell.value), between(cell.interval) or NOTHING, noise, verdict or NOTHING, beside)
        )
    result = of.scores.result
    rows.append(("signed error", change(result.signed), *[NOTHING] * 4))
    always = f"constant {result.baseline.age:.1f}" if result.baseline else "constant"
    caption = f"{of.scores.split}, {counted(result.n, 'image')}; in years, lower is better"
    columns = ("figure", "value", "95% interval", "noise level", "inside noise", always)
    table = Table(caption, columns, tuple(rows))
    meanings = [
        "A bias is the mean gap between the MAEs of an attribute's groups, over all pairs of groups.",
        "Noise level: the 95th percentile of the bias that the same errors give when the groups are shuffled. A bias "
        "no larger than that is inside noise.",
        "Signed error: mean of predicted − true age.",
        *(["The constant predictor always says the mean age of the train images."] if result.baseline else []),
        *(f"{called(column)}: {cell.reason}." for column, cell in of.cells if cell.reason),
        *(f"{counted(bias.missing, 'image')} without {bias.attribute}." for bias in result.biases if bias.missing),
        *(sentence(note) for note in of.notes),
    ]
    return Section("Scores", (table, Bullets(tuple(meanings))))


def _published(of: OfRun) -> Table:
    rows = [(called(column), figure(cell.value)) for column, cell in of.cells if cell.value is not None]
    loss = of.detail.row.summary.best_val_loss
    rows += [("validation loss", f"{loss:g}")] if loss is not None else []
    return Table("Published figures; MAE and biases in years, lower is better", ("figure", "value"), tuple(rows))


def _with_interval(cell: Cell) -> str:
    return f"{figure(cell.value)} ({between(cell.interval)})" if cell.interval else figure(cell.value)


def _curves(of: OfRun) -> Section:
    history = of.detail.history
    if not history:
        return Section("Curves")
    losses = [epoch.val_loss for epoch in history if epoch.val_loss is not None]
    best = of.best_epoch
    said = [f"Losses over {counted(len(history), 'epoch')}."]
    if losses:
        said.append(f"The validation loss goes from {losses[0]:.4g} to {losses[-1]:.4g}.")
        said += [f"Its best is that of epoch {best.epoch}."] if best else []
    else:
        said.append("There is no validation loss: no labelled validation images.")
    drawing = curves(figure_name(of.detail, "curves"), history)
    caption = " ".join(said)
    shown: Block = Paragraph(f"{caption} None of them is a finite number, so there is nothing to draw.")
    if drawing:
        shown = Figure(figure_name(of.detail, "curves"), caption, f"Curves. {caption}", drawing)
    rows = tuple(
        (
            str(epoch.epoch),
            str(epoch.stage),
            *(NOTHING if value is None else f"{value:.5g}" for value in (epoch.train_loss, epoch.val_loss)),
            figure(epoch.val_mae),
            f"{epoch.lr:g}",
            f"{epoch.seconds:.1f}",
            "yes" if epoch.is_best else "",
        )
        for epoch in history
    )
    columns = ("epoch", "stage", "train loss", "validation loss", "validation MAE", "learning rate", "seconds", "best")
    return Section("Curves", (shown, Table("Every epoch", columns, rows, words=0, folded=True)))


def _predictions(of: OfRun) -> Section:
    if of.predictions is None or of.scores is None:
        missing = (Paragraph("No prediction is stored with it, so errors of single images cannot be shown."),)
        return Section("Predictions", missing if of.scores else ())
    name = figure_name(of.detail, "predictions")
    drawing = predicted_by_age(name, of.predictions)
    if drawing is None:
        return Section("Predictions", (Paragraph("None of the predictions is a finite number."),))
    finite = np.isfinite(of.predictions.predicted)
    ages, predicted = of.predictions.ages[finite], of.predictions.predicted[finite]
    caption = (
        f"Predicted by true age, {counted(len(ages), 'image')} of {of.scores.split}. Ages go from {ages.min():.1f} to "
        f"{ages.max():.1f}, predictions from {predicted.min():.1f} to {predicted.max():.1f} years."
    )
    blocks: list[Block] = [Figure(name, caption, f"Scatter. {caption}", drawing)]
    if not finite.all():
        blocks.append(Paragraph(f"{counted(int((~finite).sum()), 'prediction')} left out: not a finite number."))
    return Section("Predictions", tuple(blocks))


def _groups(of: OfRun) -> Section:
    if of.scores is None or not of.scores.result.biases:
        missing = "The images have no attributes and no age groups."
        return Section("Groups", (Paragraph(missing),) if of.scores else ())
    result = of.scores.result
    has_intervals = any(group.interval for bias in result.biases for group in bias.groups)
    name = figure_name(of.detail, "groups")
    drawing = group_bars(name, result)
    worst = [f"{bias.attribute} {bias.worst.group}" for bias in result.biases if bias.worst and len(bias.groups) > 1]
    caption = f"MAE of each group on {of.scores.split}" + (f"; largest for {', '.join(worst)}." if worst else ".")
    caption += " Lines are 95% intervals." if has_intervals else ""
    blocks: list[Block] = [Figure(name, caption, f"Bars. {caption}", drawing)] if drawing else []
    rows = tuple(
        (
            bias.attribute,
            group.group,
            f"{group.n:,}",
            figure(group.mae),
            between(group.interval) or NOTHING,
            NOTHING if group.signed is None else change(group.signed),
        )
        for bias in result.biases
        for group in bias.groups
    )
    columns = ("attribute", "group", "images", "MAE", "95% interval", "signed error")
    return Section("Groups", (*blocks, Table("Errors by group, in years", columns, rows, words=2)))


def _worst(of: OfRun) -> Section:
    if of.predictions is None or of.scores is None:
        return Section("Worst errors")
    predictions = of.predictions
    rows = tuple(_worst_row(predictions, place) for place in worst_places(predictions))
    columns = ("image", *predictions.attributes, "index", "true age", "predicted", "error")
    caption = f"The {len(rows)} largest errors on {of.scores.split}, in years; the index counts its images from 0"
    return Section("Worst errors", (Table(caption, columns, rows, words=1 + len(predictions.attributes)),))


def worst_places(predictions: "Predictions", shown: int = WORST_SHOWN) -> list[int]:
    """Where the largest errors are, the largest first; one that is not a number counts as the largest of all."""
    errors = np.abs(predictions.predicted.astype(np.float64) - predictions.ages)
    return [int(place) for place in np.argsort(-np.nan_to_num(errors, nan=math.inf), kind="stable")[:shown]]


def _worst_row(predictions: "Predictions", place: int) -> tuple[str, ...]:
    age, predicted = float(predictions.ages[place]), float(predictions.predicted[place])
    groups = (values[place] for values in predictions.attributes.values())
    error = change(predicted - age) if math.isfinite(predicted) else figure(predicted)
    named = (NOTHING if group is None else group for group in groups)
    return (predictions.names[place], *named, str(place), figure(age), figure(predicted), error)


def _config(of: OfRun) -> Section:
    config, command = of.detail.config, of.detail.command
    told = RunConfig.model_fields
    rows = tuple(
        (name, setting(config, name), (told[name].description if name in told else None) or "") for name in config
    )
    blocks: list[Block] = [Table("Every setting", ("setting", "value", "meaning"), rows, words=3, folded=True)]
    if command is not None:
        does = "trains the like of it" if of.is_published else "repeats it"
        blocks = [Paragraph(f"The command that {does}:"), Code(command), *blocks]
    return Section("Config", tuple(blocks))


def _training(of: OfRun) -> Section:
    """The machine and what the training took; a published row has neither."""
    facts, detail = of.facts, of.detail
    peak, predicted = detail.peak_memory_bytes, detail.predicted_memory_bytes
    attempts = [attempt for attempt in detail.attempts if attempt.replayed]
    rows: list[tuple[str, Any]] = [
        ("started", detail.row.started_at and f"{detail.row.started_at:%Y-%m-%d %H:%M} UTC"),
        ("ended", detail.row.ended_at and f"{detail.row.ended_at:%Y-%m-%d %H:%M} UTC"),
        ("seconds", of.seconds and f"{of.seconds:.1f}"),
        ("peak memory", peak and f"{gigabytes(peak)}{f', {gigabytes(predicted)} predicted' if predicted else ''}"),
        ("attempts", len(detail.attempts) if len(detail.attempts) > 1 else None),
        *((f"attempt {one.number}", f"{one.replayed} points again, {one.differing} differ") for one in attempts),
        ("device", facts.get("device")),
        ("arithmetic", facts.get("dtype")),
        ("placement", facts.get("placement")),
        ("threads", facts.get("threads")),
        ("platform", facts.get("platform")),
        *((f"{library} version", version) for library, version in facts.get("versions", {}).items()),
    ]
    known = _known(rows)
    table = Table("How and where it was trained", ("what", "value"), known, words=2)
    return Section("Training and versions", (table,) if known else ())


def _data(of: OfRun) -> Section:
    spec, facts = of.detail.data_spec, of.facts
    rows: list[tuple[str, Any]] = [("name", spec.get("name")), ("format", spec.get("format"))]
    rows += [("target", f"{of.detail.config['target']} age" if "target" in of.detail.config else None)]
    rows += [(split, _split_sizes(sizes)) for split, sizes in (of.detail.splits or {}).items()]
    rows += [
        ("left out", counted(facts["left_out"], "bad item") if facts.get("left_out") else None),
        ("hash of the data", of.detail.data_hash),
        ("hash of the scored images", of.scores and of.scores.images),
    ]
    return Section("Data", (Table("Data set and splits", ("what", "value"), _known(rows), words=2),))


def _split_sizes(sizes: Any) -> str:
    images, labelled = sizes["images"], sizes["labelled"]
    return counted(images, "image") + ("" if images == labelled else f", {labelled:,} of them labelled")


def _known(rows: list[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in rows if value is not None)
