"""Prints the report on a checked data set."""

from itertools import groupby

from rich.console import Console
from rich.text import Text

from ageui.console.consoles import print_prose, results
from ageui.present.figures import AGE, NUMBER, SAMPLE_WEIGHT
from ageui.present.table import BLANK, Cell, Table, figure_columns, name_columns, words
from ageui.present.terminal import rich_table
from ageui.text.clean import clean
from ageui.text.leaks import leak_lines
from engine.data.report import DataReport, listed

SHOWN = 20


def print_data_report(report: DataReport) -> None:
    """Prints a report to stdout."""
    console = results()
    where = report.path or "drawn when needed"
    console.print(
        Text(clean(f"{report.name}: {report.format}, {report.target} age, {where}"), style="bold"), soft_wrap=True
    )
    for note in report.notes:
        print_prose(console, note)
    console.print(rich_table(_splits(report)))
    console.print(rich_table(_groups(report)))
    _print_course_counts(console, report)
    _print_problems(console, report)
    if report.faceless is not None:
        print_prose(console, f"\n{report.faceless_sentence}")
    if lines := leak_lines(report, SHOWN):
        console.print(Text(clean("\n".join(["", *lines]), lines=True)), soft_wrap=True)
    _print_remarks(console, report)
    if report.images_read:
        _print_duplicates(console, report)
    else:
        console.print("\nthe images were not read; to find unreadable and duplicate images, leave --quick out")


def _splits(report: DataReport) -> Table:
    rows = [
        (
            words(split.split),
            *(Cell(count, unit=NUMBER) for count in (split.images, split.labelled)),
            *(Cell(age, unit=AGE) for age in (split.age_min, split.age_max, split.age_mean)),
        )
        for split in report.splits
    ]
    columns = figure_columns("images", "labelled", "youngest", "oldest", "mean age")
    return Table((*name_columns("split"), *columns), tuple(rows))


def _groups(report: DataReport) -> Table:
    splits = [split.split for split in report.splits if split.labelled]
    rows = []
    for attribute, found in groupby(report.groups, key=lambda group: group.attribute):
        groups = list(found)
        for place, group in enumerate(groups[:SHOWN]):
            counts = (Cell(group.counts.get(split, 0), unit=NUMBER) for split in splits)
            weights = (Cell(weight, unit=SAMPLE_WEIGHT) for weight in (group.weight, group.effective_weight))
            rows.append((BLANK if place else words(attribute), words(group.group), *counts, *weights))
        if len(groups) > SHOWN:
            more = words(f"… and {len(groups) - SHOWN:,} more; --json lists all")
            rows.append((BLANK, more, *(BLANK for _ in (*splits, "weight", "effective"))))
    columns = figure_columns(*splits, "train weight", "effective")
    return Table((*name_columns("attribute", "group"), *columns), tuple(rows))


def _print_course_counts(console: Console, report: DataReport) -> None:
    if not report.course_counts:
        return
    same = sum(row.matches for row in report.course_counts)
    console.print(f"\ncourse edition: {same} of {len(report.course_counts)} group counts match the published counts")
    for row in report.course_counts:
        if not row.matches:
            console.print(f"  {row.split} {row.attribute} {row.group}: {row.found} found, {row.expected} published")


def _print_problems(console: Console, report: DataReport) -> None:
    count = len(report.problems)
    console.print(f"\nrows or images that cannot be used: {count or 'none'}")
    for line in listed(report.problems):
        console.print(Text(clean(f"  {line}")), soft_wrap=True)
    if count > 1:
        console.print("  --json lists all")


def _print_remarks(console: Console, report: DataReport) -> None:
    console.print(f"\nremarks on the labels: {len(report.remarks) or 'none'}")
    for remark in report.remarks:
        print_prose(console, f"  {remark.text}")


def _print_duplicates(console: Console, report: DataReport) -> None:
    pairs = sorted(report.duplicates, key=lambda pair: pair.where)
    console.print(f"\nnear-duplicates, pairs of different files with nearly the same picture: {len(pairs) or 'none'}")
    for where, found in groupby(pairs, key=lambda pair: pair.where):
        together = list(found)
        console.print(f"  {where}: {len(together)}")
        for pair in together[:SHOWN]:
            console.print(
                Text(clean(f"    {pair.first}  {pair.second}  difference {pair.difference:.3f}")), soft_wrap=True
            )
        if len(together) > SHOWN:
            console.print(f"    … and {len(together) - SHOWN} more; --json lists all")
