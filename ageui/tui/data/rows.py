"""The table of a data set's groups, and texts about the data set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.cells import set_cell_size
from rich.table import Table as RichTable
from rich.text import Text

from ageui.present.bars import fine_bar
from ageui.present.figures import AGE, COUNT, GROUP_WEIGHT
from ageui.present.table import Cell, Table, figure_columns, name_columns, words
from ageui.present.terminal import rich_table, shortened
from ageui.text.clean import clean
from ageui.text.leaks import leak_lines
from ageui.text.sentences import counted
from ageui.tui.widgets.table_rows import TableColumn, TableRow
from engine.data.report import DataReport, GroupCounts, listed
from engine.data.spec import DataSpec

_SHOWN = 100
_ATTRIBUTE_CELLS = 14
_BAR_CELLS = 7
# The widths of columns including gaps, for names of usual length.
_NAME_CELLS, _SPLIT_CELLS, _WEIGHT_CELLS = 31, 16, 10


@dataclass(frozen=True)
class GroupTable:
    """The columns that fit: some `splits`, with the `chosen` one marked, and one or both weights."""

    splits: tuple[str, ...]
    chosen: str
    both_weights: bool

    @classmethod
    def fitting(cls, splits: Sequence[str], chosen: str, width: int) -> "GroupTable":
        """Fits as many columns as possible into `width` cells, always including the chosen split."""
        both = width >= _NAME_CELLS + _SPLIT_CELLS + 2 * _WEIGHT_CELLS
        fit = max(1, (width - _NAME_CELLS - (1 + both) * _WEIGHT_CELLS) // _SPLIT_CELLS)
        first = max(0, (splits.index(chosen) if chosen in splits else 0) - fit + 1)
        return cls(tuple(splits[first : first + fit]), chosen, both)

    def columns(self) -> list[TableColumn]:
        return [
            TableColumn("group", "attribute     group", 34),
            *(
                TableColumn(split, f"{'▸ ' if split == self.chosen else ''}{split}", 18, right=True)
                for split in self.splits
            ),
            TableColumn("weight", "weight", 8, right=True),
            *([TableColumn("effective", "effective", 10, right=True)] if self.both_weights else []),
        ]

    def rows(self, report: DataReport) -> list[TableRow]:
        """A row for all images, then one per group: its number of labelled images, with a bar relative to the largest
        group of its attribute. The key of a row is 0, or 1 + the place of its group."""
        images = {split.split: split.images for split in report.splits}
        everything = [Cell(images.get(split, 0), unit=COUNT, tone="strong") for split in self.splits]
        rows = [TableRow(0, (words("all images", "strong"), *everything, *self._weights(None, None)))]
        largest: dict[tuple[str, str], int] = {}
        for group in report.groups:
            for split in self.splits:
                key = (group.attribute, split)
                largest[key] = max(largest.get(key, 0), group.counts.get(split, 0))
        before = ""
        for place, group in enumerate(report.groups):
            attribute = "" if group.attribute == before else clean(group.attribute)
            before = group.attribute
            counts = [_count(group, split, largest[group.attribute, split]) for split in self.splits]
            weights = self._weights(group.weight, group.effective_weight)
            rows.append(TableRow(1 + place, (Cell(text=_name(attribute, clean(group.group))), *counts, *weights)))
        return rows

    def _weights(self, *weights: float | None) -> list[Cell]:
        return [Cell(weight, unit=GROUP_WEIGHT) for weight in weights[: 1 + self.both_weights]]


def _name(attribute: str, group: str) -> str:
    return set_cell_size(shortened(attribute, _ATTRIBUTE_CELLS - 2), _ATTRIBUTE_CELLS) + group


def _count(group: GroupCounts, split: str, largest: int) -> Cell:
    count = group.counts.get(split)
    if count is None:
        return Cell()
    return words(f"{fine_bar(count, largest, _BAR_CELLS)} {count:>6,}", "plain" if count else "bad")


def list_text(spec: DataSpec, *, is_there: bool) -> Text:
    """The list entry of a data set: its name, and its format or that it is missing."""
    if not is_there:
        return Text.assemble((clean(spec.name), "dim"), ("  missing", "bold"))
    return Text.assemble(clean(spec.name), (f"  {spec.format if spec.path else 'built in'}", "dim"))


def about_text(spec: DataSpec, target: str, checked_at: datetime | None) -> Text:
    """The name, format, target and path of a data set."""
    lines = [Text.assemble((clean(spec.name), "bold"), f"  {spec.format}", (f" · {target} age", "dim"))]
    if checked_at is not None:
        lines[0].append(f" · images read {checked_at.astimezone():%Y-%m-%d %H:%M}", style="dim")
    elif spec.skip_bad:
        lines[0].append(" · bad rows are skipped", style="dim")
    where = clean(spec.path) if spec.path else "drawn when needed; no files · a adds a data set of your own"
    lines.append(Text(where, style="dim"))
    return Text("\n").join(lines)


def is_there(spec: DataSpec) -> bool:
    """Whether the files exist; always true for drawn faces."""
    try:
        return spec.path is None or Path(spec.path).exists()
    except OSError:
        return False


def split_table(report: DataReport) -> RichTable:
    """The numbers of images and labels, and the ages, of each split."""
    rows = []
    for split in report.splits:
        ages = None if split.age_min is None else f"{split.age_min:.1f} to {split.age_max:.1f}"
        counts = (Cell(count, unit=COUNT) for count in (split.images, split.labelled))
        rows.append((words(split.split), *counts, words(ages), Cell(split.age_mean, unit=AGE)))
    columns = (*name_columns("split"), *figure_columns("images", "labelled", "ages", "mean age"))
    return rich_table(Table(columns, tuple(rows)))


def findings_text(report: DataReport, note: str) -> Text:
    """The note, if any, then guesses, problems, remarks, near-duplicates and deviations from published counts."""
    lines: list[Text] = [Text(note, style="bold")] if note else []
    lines += [Text(clean(guess), style="dim") for guess in report.notes]
    lines += [*_problems(report), *_leaks(report), *_remarks(report), *_duplicates(report), *_course_counts(report)]
    return Text("\n").join(lines)


def _problems(report: DataReport) -> list[Text]:
    count = len(report.problems)
    mark = Text("! ", style="bold") if count else Text("✓ ", style="dim")
    nouns = ("row or image", "rows or images") if report.images_read else ("row", "rows")
    lines = [Text.assemble(mark, f"{f'{count:,}' if count else 'no'} {nouns[count != 1]} that cannot be used")]
    lines += [Text(clean(f"    {line}"), style="dim") for line in listed(report.problems, _SHOWN)]
    if count > 1:
        lines.append(Text("    ageui data check NAME --json lists all", style="dim"))
    return lines


def _remarks(report: DataReport) -> list[Text]:
    return [Text.assemble(("! ", "bold"), clean(remark.text)) for remark in report.remarks]


def _leaks(report: DataReport) -> list[Text]:
    """Byte-identical images, subjects in several splits and repeated file names."""
    return [
        Text(f"  {clean(line)}", style="dim") if line.startswith(" ") else Text.assemble(("! ", "bold"), clean(line))
        for line in [*([report.faceless_sentence] if report.faceless is not None else []), *leak_lines(report, _SHOWN)]
    ]


def _duplicates(report: DataReport) -> list[Text]:
    if not report.images_read:
        return [Text("  images were not read yet: c finds unreadable ones and near-duplicates", style="dim")]
    counts = Counter(pair.where for pair in report.duplicates)
    if not counts:
        return [Text.assemble(("✓ ", "dim"), "no near-duplicates")]
    # Pairs across splits come first, because they inflate scores.
    where = [f"{count} {place}" for place, count in sorted(counts.items())]
    pairs = counted(len(report.duplicates), "pair")
    lines = [Text.assemble(("! ", "bold"), f"{pairs} of near-duplicates: {', '.join(where)}")]
    for pair in sorted(report.duplicates, key=lambda pair: pair.where)[:_SHOWN]:
        lines.append(Text(clean(f"    {pair.first}  {pair.second}  difference {pair.difference:.3f}"), style="dim"))
    return lines


def _course_counts(report: DataReport) -> list[Text]:
    wrong = [row for row in report.course_counts if not row.matches]
    if not report.course_counts:
        return []
    total = len(report.course_counts)
    if not wrong:
        return [Text.assemble(("✓ ", "dim"), f"course edition: all {total} group counts are the published ones")]
    lines = [
        Text.assemble(("! ", "bold"), f"course edition: {len(wrong)} of {total} group counts are not as published")
    ]
    lines += [
        Text(f"    {row.split} {row.attribute} {row.group}: {row.found:,} found, {row.expected:,} published", "dim")
        for row in wrong
    ]
    return lines
