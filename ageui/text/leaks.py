"""Lines on leaks between splits, which flatter scores: identical images, shared subjects, repeated file names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ageui.text.sentences import counted
from engine.choices import SPLITS
from engine.data.report import DataReport, IdenticalImages, SharedSubject
from engine.short_text import short_list

_NAMED = 3
_CURE = "give copies one split, or leave some out with --ignore"


def leak_lines(report: DataReport, shown: int) -> list[str]:
    """Lines on byte-identical images, subjects in several splits, and file names that several folders have.

    Examples of each are indented; at most `shown` of a kind, then the number of the others.
    """
    return [*_identical(report.identical, shown), *_subjects(report.subjects, shown), *_repeated(report)]


def near_duplicates_lines(report: DataReport) -> list[str]:
    """A line on near-duplicates across splits; empty without any."""
    across = [pair for pair in report.duplicates if pair.first_split != pair.second_split]
    if not across:
        return []
    one = across[0]
    return [
        f"near-duplicates across splits: {counted(len(across), 'pair')}, such as {one.first} ({one.first_split}) and "
        f"{one.second} ({one.second_split}); see ageui data check {report.name}"
    ]


def _identical(groups: Sequence[IdenticalImages], shown: int) -> list[str]:
    if not groups:
        return []
    images = sum(len(group.images) for group in groups)
    lines = [f"byte-identical images: {counted(images, 'image')} in {counted(len(groups), 'set')}"]
    across: dict[tuple[str, ...], list[IdenticalImages]] = defaultdict(list)
    for group in groups:
        across[tuple(split for split in SPLITS if split in group.splits)].append(group)
    within = across.pop(("train",), []) + across.pop(("valid",), []) + across.pop(("test",), [])
    if not across:
        lines[0] += ", each set within one split"
    elif within:
        lines.append(f"  within one split: {counted(len(within), 'set')}")
    for splits, found in sorted(across.items()):
        lines.append(f"  across {' and '.join(splits)}: {counted(len(found), 'set')}, which flatters scores; {_CURE}")
        lines += _listed([_across(group) for group in found], shown)
    differing = [group for group in groups if group.differing]
    if differing:
        names = sorted({name for group in differing for name in group.differing})
        lines.append(
            f"  with different labels ({short_list(names, _NAMED)}) on equal bytes: {counted(len(differing), 'set')}"
        )
        lines += _listed([_labels(group) for group in differing], shown)
    return lines


def _across(group: IdenticalImages) -> str:
    """`a.jpg (train) = b.jpg (test)`: the first image in each split."""
    first = dict(reversed(list(zip(group.splits, group.images, strict=True))))
    return " = ".join(f"{first[split]} ({split})" for split in SPLITS if split in first)


def _labels(group: IdenticalImages) -> str:
    """`a.jpg (age 20) = b.jpg (age 40)`, or the names and the differing labels."""
    if "age" not in group.differing:
        return f"{short_list(group.images, 2)}: {short_list(group.differing, _NAMED)}"
    first: dict[float | None, str] = {}
    for age, image in zip(group.ages, group.images, strict=True):
        first.setdefault(age, image)
    return " = ".join(f"{image} ({_age(age)})" for age, image in list(first.items())[:3])


def _age(age: float | None) -> str:
    return "no age" if age is None else f"age {age:g}"


def _subjects(subjects: Sequence[SharedSubject], shown: int) -> list[str]:
    if not subjects:
        return []
    have = "subject has" if len(subjects) == 1 else "subjects have"
    cure = "give each subject one split, or remove the split column: ageui then splits by subject"
    examples = [f"{one.subject}: {_counts(one.splits)}" for one in subjects]
    heading = f"{len(subjects):,} {have} images in several splits, which flatters scores; {cure}"
    return [heading, *_listed(examples, shown)]


def _counts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count:,}" for split, count in splits.items())


def _repeated(report: DataReport) -> list[str]:
    found = report.repeated_names
    if found is None:
        return []
    folders = short_list(found.folders, _NAMED)
    return [
        f"{counted(found.names, 'file name')} with equal ages in several folders ({folders}): probably editions of the "
        "same images; add one folder only, or each as its own data set"
    ]


def _listed(examples: Sequence[str], shown: int) -> list[str]:
    lines = [f"    {example}" for example in examples[:shown]]
    if len(examples) > shown:
        lines.append(f"    … and {len(examples) - shown:,} more; ageui data check NAME --json lists all")
    return lines
