"""How many scored images have a duplicate in the train images, in words."""

ENDING = "-without-duplicates"
"""The end of the name of a split that was scored without such images, as in `test-without-duplicates`."""


def duplicates_line(split: str, images: int, in_train: int | None, data_name: str) -> str | None:
    """A line on a scored split; None for the train images, and for drawn faces, which have no files to check.

    `in_train` counts the images with a duplicate or near-duplicate in train, None if unknown.
    """
    if split == "train" or (in_train is None and data_name == "synthetic"):
        return None
    if in_train is None:
        return f"{split}: {unknown_duplicates(data_name)}"
    if split.endswith(ENDING):
        whole = split.removesuffix(ENDING)
        left = f", of which {in_train:,} are known to have one by now" if in_train else ""
        return f"{split}: the {images:,} images of {whole} without a duplicate or near-duplicate in train{left}"
    if not in_train:
        return f"{split}: none of {images:,} images has a duplicate or near-duplicate in train"
    have = "has" if in_train == 1 else "have"
    option = "" if split == "test" else f" --split {split}"
    return (
        f"{split}: {in_train:,} of {images:,} images {have} a duplicate or near-duplicate in train, which flatters the "
        f"scores; score without them: ageui score RUN --without-duplicates{option}"
    )


def unknown_duplicates(data_name: str) -> str:
    """That duplicates in train are unknown, and what finds them."""
    return (
        f"unknown how many images have a duplicate in train; ageui data check {data_name} counts them, if the data is "
        "still what the run was trained on"
    )
