"""Files of data sets: plain pictures, and labels with the published group counts."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from engine.data.course_counts import COURSE_COUNTS

RED = (200, 10, 20)
_AGES = {"<20": 10.0, "20-40": 20.0, "40-60": 59.9, ">=60": 60.0}


def image_file(path: Path, colour: tuple[int, int, int] = RED, size: int = 8) -> Path:
    """A picture of one colour at `path`, in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def published_labels(split: str) -> pd.DataFrame:
    """Labels of a split of the course edition that have exactly the published group counts."""
    columns = {name: np.repeat(list(groups), list(groups.values())) for name, groups in COURSE_COUNTS[split].items()}
    return pd.DataFrame({**columns, "age": [_AGES[group] for group in columns["age"]]})
