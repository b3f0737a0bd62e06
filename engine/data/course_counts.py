"""The number of images in each group of the course edition, as published with it: a check for any loader."""

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
