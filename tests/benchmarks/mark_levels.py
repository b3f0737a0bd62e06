"""How often ✔ is wrong, and how often it finds a difference. Run: python tests/benchmarks/mark_levels.py [TRIALS]

Figures of settings are drawn around one mean, with the standard deviations over seeds of the settings of `runs.db` that
were trained with five seeds, which are unequal. Three seeds of each are set against those of a baseline: 10 settings × 5
figures are 50 tests, corrected by Holm. A family with a ✔ although no setting differs counts against the level. For the
power, one of the 50 differences is five standard deviations over seeds.
"""

import json
import math
import sqlite3
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ageui.compare.difference_test import LEVEL, Side, difference_test
from ageui.compare.many_tests import CORRECTIONS, Correction, adjusted
from ageui.compare.seed_figures import setting_key
from ageui.compare.seed_variance import seed_variance
from engine.resampling import Floats

DATABASE = Path(__file__).parents[2] / "runs.db"
FIGURES = ("mae", "bias_gender", "bias_ethnicity", "bias_expression", "bias_age")
SEEDS, SETTINGS, IMAGES = 3, 10, 1482
IMAGE_SHARE = 0.3
"""The variance of a difference over draws of images, as a share of the usual variance over seeds."""


def shipped_deviations() -> Floats:
    """Standard deviations over five seeds, years, shape (settings, figures)."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    query = f"SELECT r.config, s.split, {', '.join(FIGURES)} FROM run r JOIN summary s ON s.run_id = r.id"
    with sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True) as database:
        for config, split, *figures in database.execute(f"{query} WHERE r.source = 'measured' AND s.mae IS NOT NULL"):
            found[f"{setting_key(json.loads(config))} {split}"].append(figures)
    return np.array([np.std(seeds, axis=0, ddof=1) for seeds in found.values() if len(seeds) == 5])


def p_values(deviations: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The p-values of equal settings, and of settings five deviations apart, each (figures * settings,)."""
    equal, apart = [], []
    rows = random.permutation(len(deviations))
    for column, typical in zip(deviations[rows].T, np.median(deviations, axis=0), strict=True):
        trained = random.normal(0, column[:, None], (len(rows), SEEDS))
        means, variances = trained.mean(axis=1), trained.var(axis=1, ddof=1)
        common = seed_variance(variances.tolist(), [SEEDS - 1] * len(rows))
        images = IMAGE_SHARE * float(typical) ** 2
        means += random.normal(0, math.sqrt(images / 2), len(rows))
        base = Side(SEEDS, float(variances[0]))
        for row in range(1, SETTINGS + 1):
            sides = [Side(SEEDS, float(variances[row])), base]
            value = float(means[row] - means[0])
            shift = 5 * math.sqrt((column[row] ** 2 + column[0] ** 2) / 2)
            for found, difference in ((equal, value), (apart, value + shift)):
                test = difference_test(difference, images, IMAGES, sides, common)
                assert test is not None
                found.append(test.p_value)
    return np.array(equal), np.array(apart)


def family(deviations: Floats, correction: Correction, trial: int) -> tuple[bool, bool]:
    """Whether any of 50 equal settings carries a mark, and whether the one that is apart does."""
    random = np.random.default_rng(trial)
    equal, apart = p_values(deviations, random)
    place = int(random.integers(len(equal)))
    one_apart = equal.copy()
    one_apart[place] = apart[place]
    is_false = min(adjusted(equal.tolist(), correction)) <= LEVEL
    return is_false, adjusted(one_apart.tolist(), correction)[place] <= LEVEL


def main(trials: int = 2000) -> None:
    deviations = shipped_deviations()
    print(f"{len(deviations)} settings of five seeds, {SEEDS} seeds a side, {trials} trials, in percent\n")
    print("| correction | families with a false mark | differences of five deviations found |\n|---|---:|---:|")
    with ProcessPoolExecutor() as pool:
        for correction in CORRECTIONS:
            found = pool.map(partial(family, deviations, correction), range(trials), chunksize=50)
            false, power = 100 * np.mean(list(found), axis=0)
            print(f"| {correction} | {false:.1f} | {power:.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
