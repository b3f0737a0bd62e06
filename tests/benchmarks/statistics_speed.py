"""How long the statistics of a run take. Run: python tests/benchmarks/statistics_speed.py [REPEATS]

The scores of one split with all intervals and tests: four attributes whose groups have the shares of the course's
validation split. A paired difference is that of one bias between two runs.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from ageui.compare.paired import paired_differences
from engine.fairness import RESAMPLES, evaluate_split
from engine.figure_forms import figure_form
from engine.image_errors import ImageErrors

SHARES = {
    "gender": (766, 716),
    "expression": (492, 403, 476, 111),
    "ethnicity": (1316, 50, 116),
    "age": (305, 841, 275, 61),
}
IMAGES = {"valid": 1482, "test": 1978, "train": 4065}


def milliseconds(what: Callable[[], object], repeats: int) -> str:
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - begin)
    return f"{statistics.median(seconds[1:]) * 1000:7.1f} ms (median of {repeats})"


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for split, n in IMAGES.items():
        random = np.random.default_rng(0)
        groups = {}
        for attribute, sizes in SHARES.items():
            codes = random.choice(len(sizes), size=n, p=np.array(sizes) / sum(sizes))
            groups[attribute] = (codes, tuple(map(str, range(len(sizes)))))
        ages, predicted, other = random.uniform(1, 80, n), *random.normal(0, 8, (2, n))
        sides = [[ImageErrors.of_predictions(ages, ages + off, groups)] for off in (predicted, other)]
        for resamples in (RESAMPLES, 10_000):
            about = f"{split}, {n:,} images, {resamples:6,} resamples"
            score = partial(evaluate_split, ages, ages + predicted, groups, 30.0, resamples=resamples)
            form = partial(figure_form, "age")
            differ = partial(paired_differences, sides[:1], sides[1], form, resamples=resamples)
            print(f"{about}  scores             {milliseconds(score, repeats)}")
            print(f"{about}  paired difference  {milliseconds(differ, repeats)}")


if __name__ == "__main__":
    main()
