"""The published number of images in each group of the course edition: a check for any loader."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

COURSE_COUNTS: Final[dict[str, dict[str, dict[str, int]]]] = {
    "train": {
        "age": {"<20": 796, "20-40": 2389, "40-60": 732, ">=60": 148},
        "gender": {"male": 2068, "female": 1997},
        "expression": {"neutral": 1404, "happy": 712, "slightlyhappy": 1784, "other": 165},
        "ethnicity": {"caucasian": 3522, "afroamerican": 119, "asian": 424},
    },
    "valid": {
        "age": {"<20": 305, "20-40": 841, "40-60": 275, ">=60": 61},
        "gender": {"male": 766, "female": 716},
        "expression": {"neutral": 492, "happy": 403, "slightlyhappy": 476, "other": 111},
        "ethnicity": {"caucasian": 1316, "afroamerican": 50, "asian": 116},
    },
}


def is_published_split(split: str, images: Sequence[str], left_out: int) -> bool:
    """Whether a split is the published one, judged by the number and names of its images.

    Parameters
    ----------
    split
        train, valid or test.
    images
        The usable images: `train_data/000001.jpg` and on in folders, `train/0` and on in arrays.
    left_out
        The number of unusable rows.
    """
    if split not in COURSE_COUNTS:
        return False
    published = sum(COURSE_COUNTS[split]["gender"].values())
    names = [PurePosixPath(image).stem for image in images]
    numbered = all(name.isdecimal() and len(name) <= 6 and int(name) <= published for name in names)
    return numbered and published - left_out <= len(set(names)) <= published
