"""Remarks on labels that cause trouble, with advice.

Counts with pandas, column by column: a million rows take a second or two.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from engine.choices import SPLITS
from engine.counted import counted
from engine.data.report import LabelRemark
from engine.gap_test import SMALLEST_GROUP
from engine.groups import group_codes
from engine.label_limits import OLDEST_OF_BOUNDED_HEADS, YOUNGEST_FOR_MAPE, bounded_heads
from engine.resampling import Codes
from engine.short_text import quoted, short

FEW_IMAGES: Final = 20
"""With fewer labelled images in a split, its scores depend on chance."""
MOST_SHOWN: Final = 3
_FEW_PER_GROUP: Final = 5
_MANY_GROUPS: Final = 10


def label_remarks(frame: pd.DataFrame, attributes: Sequence[str]) -> tuple[LabelRemark, ...]:
    """Remarks on the rows of a manifest's frame, about its splits, ages, spreads of votes, and attributes."""
    labelled = frame[frame["age"].notna()]
    remarks = [*_splits(frame, labelled), *_ages(labelled), *_spreads(frame)]
    for attribute in attributes:
        remarks += _groups(labelled, attribute)
    return (*remarks, *_small_groups(labelled, "age"))


def _splits(frame: pd.DataFrame, labelled: pd.DataFrame) -> Iterator[LabelRemark]:
    images, ages = frame["split"].value_counts(), labelled["split"].value_counts()
    for split in SPLITS:
        if images.get(split, 0) and not ages.get(split, 0):
            use = {"train": "learned from", "valid": "used to choose weights or scored"}.get(split, "scored")
            yield LabelRemark(
                "unlabelled_split",
                None,
                f"none of the {counted(int(images[split]), 'image')} in {split} has an age, so none can be {use}; "
                "add their ages",
            )
    if "valid" not in images.index and len(labelled):
        yield LabelRemark(
            "no_valid_split",
            None,
            "no image is in valid, so runs neither stop early nor choose their best epoch; move some images there",
        )
    few = [f"{ages[split]} in {split}" for split in SPLITS if 0 < ages.get(split, 0) < FEW_IMAGES]
    if few:
        yield LabelRemark(
            "few_images",
            None,
            f"few labelled images: {', '.join(few)}; scores on so few depend on chance: add images, or split them "
            "differently (in the split column, or with --fractions)",
        )


def _ages(labelled: pd.DataFrame) -> Iterator[LabelRemark]:
    ages = labelled["age"].to_numpy(dtype=np.float64)
    train = ages[(labelled["split"] == "train").to_numpy()]
    if len(train) > 1 and train.min() == train.max():
        yield LabelRemark(
            "one_age",
            None,
            f"all {len(train):,} labelled train images have the age {train[0]:g}: a network learns nothing else; check "
            "the column of ages",
        )
    if old := int((ages > OLDEST_OF_BOUNDED_HEADS).sum()):
        yield LabelRemark(
            "ages_above_100",
            None,
            f"{counted(old, 'age')} {'is' if old == 1 else 'are'} above 100 years (up to {ages.max():g}), which "
            f"{bounded_heads()} cannot predict; train with --head none and another loss, or leave out these images",
        )
    if young := int((ages < YOUNGEST_FOR_MAPE).sum()):
        what = f"an age of {ages.min():g}" if young == 1 or ages.min() == 0 else f"ages from {ages.min():g}"
        have = "has" if young == 1 else "have"
        yield LabelRemark(
            "ages_near_zero",
            None,
            f"{counted(young, 'image')} {have} {what}: loss mape divides by the age, so they outweigh all others; "
            "train with another --loss, or leave out these images",
        )


def _spreads(frame: pd.DataFrame) -> Iterator[LabelRemark]:
    if "age_std" in frame and (wrong := int((frame["age_std"] <= 0).sum())):
        yield LabelRemark(
            "spread_not_positive",
            None,
            f"{counted(wrong, 'value')} of age_std {'is' if wrong == 1 else 'are'} 0 or below, and "
            f"{'counts' if wrong == 1 else 'count'} as unknown; loss dldl uses dldl_sigma for such images",
        )


def _groups(labelled: pd.DataFrame, attribute: str) -> Iterator[LabelRemark]:
    shown = short(attribute)
    counts = labelled[attribute].value_counts()
    images, groups = int(counts.sum()), len(counts)
    if groups == 0:
        if len(labelled):
            text = f"no labelled image has a value of {shown}, so it has no effect on scores and weights; leave it out"
            yield LabelRemark("no_groups", attribute, text)
        return
    if groups == 1:
        text = (
            f"{shown} has only the group {quoted(counts.index[0])}, so it has no bias, and --weights {shown} has no "
            "effect; leave it out of --weights"
        )
        yield LabelRemark("one_group", attribute, text)
        return
    if groups > _MANY_GROUPS and images < _FEW_PER_GROUP * groups:
        yield _many_groups(counts, attribute)
        return
    yield from _spellings(counts, attribute)
    train = labelled.loc[labelled["split"] == "train", attribute].dropna().unique()
    if len(train) == 1:
        text = (
            f"all train images with a value of {shown} are {quoted(train[0])}, so --weights {shown} has no effect; "
            "add train images of the other groups"
        )
        yield LabelRemark("one_train_group", attribute, text)
    yield from _small_groups(labelled, attribute)


def _many_groups(counts: pd.Series, attribute: str) -> LabelRemark:
    shown = short(attribute)
    numbers = pd.to_numeric(pd.Series(counts.index), errors="coerce").notna().mean() > 0.9
    cure = (
        f"group it by intervals: ageui data add … --bins {shown}=4"
        if numbers
        else "leave it out, or, if it names persons, add the data with --columns subject=COLUMN"
    )
    text = (
        f"{shown} has {len(counts):,} groups for {int(counts.sum()):,} labelled images, too few per group for a "
        f"comparison; {cure}"
    )
    return LabelRemark("many_groups", attribute, text)


def _spellings(counts: pd.Series, attribute: str) -> Iterator[LabelRemark]:
    shown = short(attribute)
    alike: dict[str, list[str]] = defaultdict(list)
    for group, images in counts.items():
        alike[_plain(str(group))].append(f"{quoted(group)} ({images:,})")
    sets = [groups for groups in alike.values() if len(groups) > 1]
    if sets:
        found = "; ".join(" and ".join(groups[:MOST_SHOWN]) for groups in sets[:MOST_SHOWN])
        text = (
            f"{shown} has groups that differ only in case or spacing, and count as different groups: {found}; spell "
            "them alike in the table, and add it again"
        )
        yield LabelRemark("groups_spelled_alike", attribute, text)


def _plain(group: str) -> str:
    """A group's name in normal form: one case, one Unicode form, single spaces between words."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", group) if unicodedata.category(c) != "Cf")
    text = re.sub(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])", " ", shown.casefold())
    return " ".join(text.split())


def _small_groups(labelled: pd.DataFrame, attribute: str) -> Iterator[LabelRemark]:
    """A remark on groups of one image (overall or in train), and on groups too small for a test in a larger split."""
    shown = short(attribute)
    codes, names = group_codes(labelled, attribute)
    sizes = {split: _sizes(codes[(labelled["split"] == split).to_numpy()], len(names)) for split in SPLITS}
    found = []
    for place, name in enumerate(names):
        own = {split: int(size[place]) for split, size in sizes.items()}
        few = [
            f"{count} in {split}"
            for split, count in own.items()
            if any(own.values())
            and sizes[split].sum() >= FEW_IMAGES
            and count < (2 if split == "train" else SMALLEST_GROUP)
        ]
        if sum(own.values()) == 1:
            few = ["1 in total"]
        found += [f"{quoted(name)} ({', '.join(few)})"] if few else []
    if found:
        more = f" and {counted(len(found) - MOST_SHOWN, 'other group')}" if len(found) > MOST_SHOWN else ""
        cure = "choose other --set age_edges" if attribute == "age" else "add images, or merge groups"
        text = (
            f"{shown} has groups with few images, whose scores and weights depend on chance, or with none, which "
            f"leaves the split without this bias: {', '.join(found[:MOST_SHOWN])}{more}; {cure}"
        )
        yield LabelRemark("small_groups", attribute, text)


def _sizes(codes: Codes, groups: int) -> Codes:
    return np.bincount(codes[codes >= 0], minlength=groups)
