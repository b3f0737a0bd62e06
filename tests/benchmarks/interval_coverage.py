"""How often 95% intervals hold the true figure. Run: python tests/benchmarks/interval_coverage.py [TRIALS]

Absolute errors come from gamma distributions, with a mean of 7 years over the groups and a standard deviation of 6/7 of
the mean, in groups as large as those of the course's validation split. In half of the trials the MAEs of groups rise
evenly from the largest group to the smallest, in the others the smallest group alone differs. `ageui` is what
`engine.fairness` and `ageui.compare.paired` use, the others are what else was tried. Prints Markdown tables of percent.
"""

import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import NormalDist

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ageui.compare.paired import bias_differences
from engine.fairness import RESAMPLES, BiasResult, Interval, evaluate_split, mean_pairwise_gap
from engine.resampling import Codes, Draws, Floats, bootstrap

SIZES = {
    "age": (305, 841, 275, 61),
    "gender": (766, 716),
    "ethnicity": (1316, 50, 116),
    "expression": (492, 403, 476, 111),
}
BIASES = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
PAIRS = ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (3.0, 3.0), (0.0, 1.0), (1.0, 2.0), (0.0, 3.0), (3.0, 5.0))
FACTORS = (0.67, 1.0, 1.5)
MEAN, SPREAD, ALIKE = 7.0, 6 / 7, 0.6
NORMAL = NormalDist()


def true_maes(attribute: str, bias: float, *, evenly: bool) -> Floats:
    """MAEs of groups whose bias is `bias`, the largest in the smallest group, with a mean of 7 years over groups."""
    sizes = np.array(SIZES[attribute])
    maes = np.zeros(len(sizes))
    if evenly:
        maes[np.argsort(-sizes)] = np.arange(len(sizes))
    else:
        maes[np.argmin(sizes)] = 1.0
    shaped = MEAN + (maes - maes.mean()) * bias / float(mean_pairwise_gap(maes))
    return np.asarray(shaped - min(0.0, shaped.min() - 1))


def codes_of(attribute: str) -> Codes:
    return np.repeat(np.arange(len(SIZES[attribute])), SIZES[attribute])


def drawn_errors(maes: Floats, codes: Codes, random: np.random.Generator, spreads: Floats | float = SPREAD) -> Floats:
    """Errors (N,) of these MAEs; `spreads` are standard deviations as a share of the mean, one for all or (N,)."""
    shape = np.asarray(spreads) ** -2.0
    return np.asarray(random.gamma(shape, 1 / shape, size=len(codes)) * maes[codes])


def percentile(errors: Floats, codes: Codes, draws: Draws, maes: Floats) -> Interval:
    return Interval(*np.quantile(mean_pairwise_gap(draws.means), [0.025, 0.975]).tolist())


def basic(errors: Floats, codes: Codes, draws: Draws, maes: Floats) -> Interval:
    value, found = float(mean_pairwise_gap(maes)), percentile(errors, codes, draws, maes)
    return Interval(max(0.0, 2 * value - found.high), max(0.0, 2 * value - found.low))


def bca(errors: Floats, codes: Codes, draws: Draws, maes: Floats) -> Interval:
    """Bias-corrected and accelerated (Efron, Better bootstrap confidence intervals, 1987), for several samples."""
    samples, value = mean_pairwise_gap(draws.means), float(mean_pairwise_gap(maes))
    parts = []
    for group, mae in enumerate(maes):
        raised = maes.copy()
        raised[group] += 1e-6
        slope = (float(mean_pairwise_gap(raised)) - value) / 1e-6
        own = slope * (errors[codes == group] - mae) / np.count_nonzero(codes == group)
        parts.append(((own**3).sum(), (own**2).sum()))
    cubes, squares = np.sum(parts, axis=0)
    acceleration = cubes / squares**1.5 / 6
    share = float((samples < value).mean())
    shift = NORMAL.inv_cdf(min(max(share, 1e-6), 1 - 1e-6))
    levels = []
    for z in (-1.96, 1.96):
        levels.append(NORMAL.cdf(shift + (shift + z) / (1 - acceleration * (shift + z))))
    return Interval(*np.quantile(samples, levels).tolist())


METHODS: dict[str, Callable[[Floats, Codes, Draws, Floats], Interval]] = {
    "percentile": percentile,
    "basic": basic,
    "BCa": bca,
}


def holds(interval: Interval | None, value: float) -> bool:
    return interval is not None and interval.low - 1e-9 <= value <= interval.high + 1e-9


def hits(attribute: str, bias: float, trials: int) -> Counter[str]:
    """How many intervals of how many trials held the truth, by method, and for a group's MAE by its place."""
    codes, found = codes_of(attribute), Counter[str]()
    names = tuple(map(str, range(len(SIZES[attribute]))))
    for trial in range(trials):
        random = np.random.default_rng([trial, int(bias * 100)])
        truth = true_maes(attribute, bias, evenly=trial % 2 == 0)
        errors = drawn_errors(truth, codes, random)
        result = evaluate_split(np.zeros(len(errors)), errors, {attribute: (codes, names)}, None, seed=trial)
        (own,) = result.biases
        found.update(_own_hits(own, truth))
        found["MAE"] += holds(result.mae_interval, float(truth[codes].mean()))
        (draws,) = bootstrap(errors, [(codes, len(names))], RESAMPLES, trial)
        maes = np.array([group.mae for group in own.groups])
        for name, method in METHODS.items():
            found[name] += holds(method(errors, codes, draws, maes), bias)
        for place, samples in enumerate(draws.means.T):
            found[f"percentile {place}"] += holds(Interval(*np.quantile(samples, [0.025, 0.975])), float(truth[place]))
    return found


def _own_hits(own: BiasResult, truth: Floats) -> Counter[str]:
    found = Counter[str](
        {
            "ageui": holds(own.interval, float(mean_pairwise_gap(truth))),
            "gap": holds(own.gap_interval, float(np.ptp(truth))),
            "worst": holds(own.worst_interval, float(truth.max())),
            "noise": own.inside_noise,
        }
    )
    for place, group in enumerate(own.groups):
        found[f"group {place}"] = holds(group.interval, float(truth[place]))
    return found


def unequal_hits(attribute: str, factor: float, trials: int) -> Counter[str]:
    """Of groups with the same MAE, the smallest of which scatters `factor` times as much as the others."""
    codes, found = codes_of(attribute), Counter[str]()
    names = tuple(map(str, range(len(SIZES[attribute]))))
    spreads = SPREAD * np.where(codes == np.argmin(SIZES[attribute]), factor, 1.0)
    for trial in range(trials):
        errors = drawn_errors(np.full(len(names), MEAN), codes, np.random.default_rng([trial, 2]), spreads)
        result = evaluate_split(np.zeros(len(errors)), errors, {attribute: (codes, names)}, None, seed=trial)
        found["beyond"] += not result.biases[0].inside_noise
        found["held"] += holds(result.biases[0].interval, 0.0)
    return found


def paired_hits(attribute: str, biases: tuple[float, float], trials: int) -> Counter[str]:
    """Of differences between two runs whose errors correlate: how many intervals held the truth, or left out 0."""
    codes, found = codes_of(attribute), Counter[str]()
    for trial in range(trials):
        random = np.random.default_rng([trial, 1])
        sides = [true_maes(attribute, bias, evenly=trial % 2 == 0)[codes] for bias in biases]
        shared, *apart = random.normal(size=(3, len(codes)))
        ours, theirs = (
            np.abs(math.sqrt(ALIKE) * shared + math.sqrt(1 - ALIKE) * own) * math.sqrt(math.pi / 2) * side
            for own, side in zip(apart, sides, strict=True)
        )
        (difference,) = bias_differences([ours], theirs, codes, len(SIZES[attribute]), seed=trial, resamples=1000)
        found["held"] += holds(difference.interval, biases[0] - biases[1])
        found["real"] += bool(difference.real)
    return found


def table(heads: list[str], rows: Iterator[list[str]]) -> None:
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    cells = [(attribute, bias) for attribute in SIZES for bias in BIASES]
    pairs = [(attribute, biases) for attribute in SIZES for biases in PAIRS]

    def percent(count: int) -> str:
        return f"{100 * count / trials:.1f}"

    with ProcessPoolExecutor() as pool:
        single = dict(zip(cells, pool.map(hits, *zip(*cells, strict=True), [trials] * len(cells)), strict=True))
        print(f"Coverage of 95% intervals in percent, {trials} trials a cell, {RESAMPLES} resamples")
        table(
            ["attribute", "method", *(f"{bias:g}" for bias in BIASES)],
            (
                [attribute, name, *(percent(single[attribute, bias][name]) for bias in BIASES)]
                for attribute in SIZES
                for name in (*METHODS, "ageui", "gap", "worst", "noise")
            ),
        )
        table(
            ["images of a group", "percentile", "ageui"],
            (
                [f"{size}", *(f"{np.mean([100 * found[key] / trials for found in own]):.1f}" for key in keys)]
                for size, keys, own in sorted(
                    (size, (f"percentile {place}", f"group {place}"), [single[attribute, bias] for bias in BIASES])
                    for attribute, sizes in SIZES.items()
                    for place, size in enumerate(sizes)
                )
            ),
        )
        whole = [100 * found["MAE"] / trials for found in single.values()]
        print(f"\nMAE of all images: {np.mean(whole):.1f}, in a cell {min(whole):.1f} to {max(whole):.1f}", flush=True)
        factors = [(attribute, factor) for attribute in SIZES for factor in FACTORS]
        spread = dict(
            zip(factors, pool.map(unequal_hits, *zip(*factors, strict=True), [trials] * len(factors)), strict=True)
        )
        table(
            ["no bias, the smallest group scatters", "", *(f"{factor:g} times as much" for factor in FACTORS)],
            (
                [attribute, what, *(percent(spread[attribute, factor][key]) for factor in FACTORS)]
                for attribute in SIZES
                for what, key in (("beyond noise", "beyond"), ("interval holds 0", "held"))
            ),
        )
        paired = dict(zip(pairs, pool.map(paired_hits, *zip(*pairs, strict=True), [trials] * len(pairs)), strict=True))
        table(
            ["difference of biases", "", *(f"{ours:g} − {theirs:g}" for ours, theirs in PAIRS)],
            (
                [attribute, what, *(percent(paired[attribute, biases][key]) for biases in PAIRS)]
                for attribute in SIZES
                for what, key in (("interval holds it", "held"), ("marked real", "real"))
            ),
        )


if __name__ == "__main__":
    main()
