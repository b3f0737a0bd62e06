"""How often ✔ and ~ are wrong, and how often they are right. Run: python tests/benchmarks/mark_levels.py [TRIALS]

✔: Figures of 26 settings are drawn around one mean, with unequal standard deviations over seeds, those of the settings
in `runs.db` that were trained with five seeds. Three seeds of each are compared with those of a baseline: 10 settings ×
5 figures are 50 tests. A family with a ✔ although no setting differs counts against the level. For the power, one of
the 50 differences is five standard deviations over seeds (the root mean square of its two sides). "As estimated" takes
the standard deviations of five seeds for the true ones. They scatter more than the true ones do; "without sampling
error" narrows the scatter of their logarithms by what four degrees of freedom explain. "Seeds alone" draws no image
noise, "seeds and images" as much as the shipped runs have.

~: Absolute errors are drawn as in `interval_coverage.py`, and those of the smallest group scatter 0.67, 1 or 1.5 times
as much as the others. "False" is how often ~ is missing although the true bias is 0. "Evenly" and "alone" are how often
it is missing at a true bias of 1 year, with MAEs that rise evenly from the largest group to the smallest, or with a
smallest group that differs alone. The old rule compared the bias with the 95th percentile over shuffled groups.
"""

import json
import math
import os
import sqlite3
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from interval_coverage import FACTORS, MEAN, SIZES, SPREAD, codes_of, drawn_errors, table, true_maes

from ageui.compare.difference_test import Side, difference_test
from ageui.compare.many_tests import CORRECTIONS, adjusted
from ageui.compare.seed_figures import setting_key
from ageui.compare.seed_variance import seed_variance
from engine.figure_forms import mean_pairwise_gap
from engine.gap_test import gap_test
from engine.resampling import Codes, Floats, group_means
from engine.split_result import LEVEL

DATABASE = Path(__file__).parents[2] / "runs.db"
IMAGE_SHARES = {"mae": 0.17, "bias_gender": 2.05, "bias_ethnicity": 0.87, "bias_expression": 0.50, "bias_age": 0.08}
"""Figures, with the variance of a difference over draws of images as a share of the usual variance over seeds.

Medians over pairs of shipped settings.
"""
SEEDS, SETTINGS, IMAGES, APART = 3, 10, 1482, 5
SHUFFLES = 1000


def shipped_deviations() -> Floats:
    """Standard deviations over five seeds, years, shape (settings, figures)."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    query = f"SELECT r.config, s.split, {', '.join(IMAGE_SHARES)} FROM run r JOIN summary s ON s.run_id = r.id"
    with sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True) as database:
        for config, split, *figures in database.execute(f"{query} WHERE r.source = 'measured' AND s.mae IS NOT NULL"):
            found[f"{setting_key(json.loads(config))} {split}"].append(figures)
    return np.array([np.std(seeds, axis=0, ddof=1) for seeds in found.values() if len(seeds) == 5])


def without_sampling_error(deviations: Floats, degrees: int = 4) -> Floats:
    """The deviations drawn towards their centre, until they scatter as much as the true ones."""
    from scipy.special import digamma, polygamma

    logs = np.log(deviations**2) - digamma(degrees / 2) + math.log(degrees / 2)
    centre, scatter = logs.mean(axis=0), logs.var(axis=0, ddof=1)
    true_share = np.maximum(0, 1 - polygamma(1, degrees / 2) / scatter)
    return np.asarray(np.exp((centre + (logs - centre) * np.sqrt(true_share)) / 2))


def p_values(deviations: Floats, image_shares: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The p-values of equal settings, and of settings five deviations apart, each (figures * settings,)."""
    equal, apart = [], []
    rows = random.permutation(len(deviations))
    images = image_shares * np.median(deviations, axis=0) ** 2
    for column, image_variance in zip(deviations[rows].T, images.tolist(), strict=True):
        trained = random.normal(0, column[:, None], (len(rows), SEEDS))
        means = trained.mean(axis=1) + random.normal(0, math.sqrt(image_variance / 2), len(rows))
        variances = trained.var(axis=1, ddof=1).tolist()
        common = seed_variance(variances, [SEEDS - 1] * len(rows))
        for row in range(1, SETTINGS + 1):
            sides = [Side(SEEDS, variances[row]), Side(SEEDS, variances[0])]
            shift = APART * math.sqrt((column[row] ** 2 + column[0] ** 2) / 2)
            for found, true in ((equal, 0.0), (apart, shift)):
                test = difference_test(float(means[row] - means[0]) + true, image_variance, IMAGES, sides, common)
                assert test is not None
                found.append(test.p_value)
    return np.array(equal), np.array(apart)


def family(deviations: Floats, image_shares: Floats, trial: int) -> list[tuple[bool, bool]]:
    """For each correction, whether any of 50 equal settings carries a ✔, and whether the one that is apart does."""
    random = np.random.default_rng(trial)
    equal, apart = p_values(deviations, image_shares, random)
    place = int(random.integers(len(equal)))
    one_apart = equal.copy()
    one_apart[place] = apart[place]
    return [
        (min(adjusted(equal.tolist(), correction)) <= LEVEL, adjusted(one_apart.tolist(), correction)[place] <= LEVEL)
        for correction in CORRECTIONS
    ]


def gaps(attribute: str, factor: float, trials: int) -> Floats:
    """The shares without ~, by the test and by the old rule: at no bias, and at two shapes of 1 year. Shape (2, 3)."""
    codes, sizes = codes_of(attribute), np.array(SIZES[attribute])
    spreads = SPREAD * np.where(codes == np.argmin(sizes), factor, 1.0)
    worlds = np.full(len(sizes), MEAN), *(true_maes(attribute, 1.0, evenly=evenly) for evenly in (True, False))
    found = np.zeros((2, len(worlds)))
    for place, maes in enumerate(worlds):
        count = trials if place == 0 else -(-trials // 4)
        for trial in range(count):
            errors = drawn_errors(maes, codes, np.random.default_rng([trial, 3]), spreads)
            test = gap_test(errors, codes, [str(place) for place in range(len(sizes))], resamples=SHUFFLES, seed=trial)
            assert not isinstance(test, str)
            marks = test.p_value() <= LEVEL, beyond_shuffled(errors, codes, len(sizes), trial)
            found[:, place] += np.array(marks) / count
    return found


def beyond_shuffled(errors: Floats, codes: Codes, groups: int, seed: int) -> bool:
    """The old rule: whether the bias is larger than 95% of those of shuffled groups."""
    random = np.random.default_rng(seed)
    shuffles = [group_means(errors, random.permutation(codes), groups) for _ in range(SHUFFLES)]
    shuffled = mean_pairwise_gap(np.array(shuffles))
    return bool(mean_pairwise_gap(group_means(errors, codes, groups)) > np.quantile(shuffled, 0.95))


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def main(trials: int = 2000) -> None:
    estimated, shares = shipped_deviations(), np.array(list(IMAGE_SHARES.values()))
    worlds = {
        (inequality, noise): (deviations, image_shares)
        for inequality, deviations in {
            "as estimated": estimated,
            "without sampling error": without_sampling_error(estimated),
        }.items()
        for noise, image_shares in {"seeds alone": 0 * shares, "seeds and images": shares}.items()
    }
    cells = [(attribute, factor) for attribute in SIZES for factor in FACTORS]
    with ProcessPoolExecutor() as pool:
        tests = SETTINGS * len(shares)
        print(f"✔, {trials} families of {tests} tests, {SEEDS} seeds a side, variances of {len(estimated)} settings:")
        print(f"families with a false mark / differences of {APART} standard deviations over seeds found, in percent")
        marks = {
            world: np.mean(list(pool.map(partial(family, *given), range(trials), chunksize=50)), axis=0)
            for world, given in worlds.items()
        }
        table(
            ["standard deviations over seeds", "noise of", *CORRECTIONS],
            ([*world, *(" / ".join(map(percent, rates)) for rates in found)] for world, found in marks.items()),
        )
        print(f"\n~ is missing, {trials} data sets a cell, a quarter for the power: false / evenly / alone, in percent")
        found = dict(zip(cells, pool.map(gaps, *zip(*cells, strict=True), [trials] * len(cells)), strict=True))
        table(
            ["attribute", "rule", *(f"smallest group scatters {factor:g} times" for factor in FACTORS)],
            (
                [attribute, rule, *(" / ".join(map(percent, found[attribute, factor][place])) for factor in FACTORS)]
                for attribute in SIZES
                for place, rule in enumerate(("~", "old rule"))
            ),
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
