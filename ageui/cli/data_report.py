"""A checked data set as a person reads it on stdout."""

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ageui.cli.options import results
from ageui.text.clean import clean
from engine.data.report import DataReport

SHOWN = 20
DASH = "—"


def print_data_report(report: DataReport) -> None:
    """Prints what a check found."""
    console = results()
    where = report.path or "drawn when needed"
    console.print(
        Text(clean(f"{report.name}: {report.format}, {report.target} age, {where}"), style="bold"), soft_wrap=True
    )
    console.print(_splits(report))
    console.print(_groups(report))
    _print_course_counts(console, report)
    _print_problems(console, report)
    if report.images_read:
        _print_duplicates(console, report)
    else:
        console.print(
            "\nthe images were not read: ageui data check without --quick finds unreadable and near-equal ones"
        )


def _table(*left: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in left:
        table.add_column(name)
    return table


def _splits(report: DataReport) -> Table:
    table = _table("split")
    for name in ("images", "labelled", "youngest", "oldest", "mean age"):
        table.add_column(name, justify="right")
    for split in report.splits:
        ages = (split.age_min, split.age_max, split.age_mean)
        shown = [DASH if age is None else f"{age:.1f}" for age in ages]
        table.add_row(split.split, str(split.images), str(split.labelled), *shown)
    return table


def _groups(report: DataReport) -> Table:
    splits = [split.split for split in report.splits if split.labelled]
    table = _table("attribute", "group")
    for name in (*splits, "train weight", "effective"):
        table.add_column(name, justify="right")
    shown = ""
    for group in report.groups:
        weights = [DASH if weight is None else f"{weight:.5f}" for weight in (group.weight, group.effective_weight)]
        counts = [str(group.counts.get(split, 0)) for split in splits]
        attribute = group.attribute if group.attribute != shown else ""
        table.add_row(Text(clean(attribute)), Text(clean(group.group)), *counts, *weights)
        shown = group.attribute
    return table


def _print_course_counts(console: Console, report: DataReport) -> None:
    if not report.course_counts:
        return
    same = sum(row.matches for row in report.course_counts)
    console.print(f"\ncourse edition: {same} of {len(report.course_counts)} group counts are the published ones")
    for row in report.course_counts:
        if not row.matches:
            console.print(f"  {row.split} {row.attribute} {row.group}: {row.found} found, {row.expected} published")


def _print_problems(console: Console, report: DataReport) -> None:
    count = len(report.problems)
    console.print(f"\n{count or 'no'} rows or images that cannot be used")
    for problem in report.problems[:SHOWN]:
        console.print(Text(clean(f"  {problem}")), soft_wrap=True)
    if count > SHOWN:
        console.print(f"  … and {count - SHOWN} more; all of them with --json")


def _print_duplicates(console: Console, report: DataReport) -> None:
    pairs = sorted(report.duplicates, key=lambda pair: pair.where)
    console.print(f"\n{len(pairs) or 'no'} pairs of images show nearly the same picture")
    for where, found in groupby(pairs, key=lambda pair: pair.where):
        together = list(found)
        console.print(f"  {where}: {len(together)}")
        for pair in together[:SHOWN]:
            console.print(
                Text(clean(f"    {pair.first}  {pair.second}  difference {pair.difference:.3f}")), soft_wrap=True
            )
        if len(together) > SHOWN:
            console.print(f"    … and {len(together) - SHOWN} more; all of them with --json")
