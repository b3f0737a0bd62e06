"""Sentences on the number of scored images with a duplicate among the train images."""

from collections.abc import Iterable

ENDING = "-without-duplicates"
"""The end of the name of a split that was scored without such images, as in `test-without-duplicates`."""


def duplicates_lines(scored: Iterable[tuple[str, int, int | None, str]], run: str) -> list[str]:
    """A line per split of a run; splits with unknown duplicates share a line.

    `scored` holds the arguments of `duplicates_line` for each split.
    """
    lines: dict[str, list[str]] = {}
    for split, images, in_train, data_name in scored:
        line = duplicates_line(split, images, in_train, data_name, run)
        if line is not None:
            lines.setdefault(line.removeprefix(f"{split}: "), []).append(split)
    return [f"{', '.join(splits)}: {line}" for line, splits in lines.items()]


def duplicates_line(split: str, images: int, in_train: int | None, data_name: str, run: str = "RUN") -> str | None:
    """A line on a scored split; None for the train images, and for drawn faces, which have no files to check.

    `in_train` counts the images with a duplicate or near-duplicate in train, None if unknown. `run` is the run's id in
    the command that scores without them.
    """
    if split.endswith(ENDING):
        whole = split.removesuffix(ENDING)
        left = f", of which {in_train:,} are known to have one by now" if in_train else ""
        return f"{split}: the {images:,} images of {whole} without a duplicate or near-duplicate in train{left}"
    if split == "train" or (in_train is None and data_name == "synthetic"):
        return None
    if in_train is None:
        return f"{split}: {unknown_duplicates(split, data_name)}"
    if not in_train:
        return f"{split}: none of {images:,} images has a duplicate or near-duplicate in train"
    have = "has" if in_train == 1 else "have"
    option = "" if split == "test" else f" --split {split}"
    return (
        f"{split}: {in_train:,} of {images:,} images {have} a duplicate or near-duplicate in train, which flatters the "
        f"scores; score without them: ageui score {run} --without-duplicates{option}"
    )


def unknown_duplicates(split: str, data_name: str) -> str:
    """Says that duplicates in train are unknown, and names the command that finds them."""
    what = "unknown how many images have a duplicate in train"
    if "/" in split:
        return f"{what}; check both data sets with ageui data check, then score again with --data {data_name}"
    return f"{what}; ageui data check {data_name} counts them, if the data is still what the run was trained on"
