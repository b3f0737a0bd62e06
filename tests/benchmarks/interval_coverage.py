"""How often 95% intervals hold the true figure. Run: python tests/benchmarks/interval_coverage.py [TRIALS]

Absolute errors come from gamma distributions, with a mean of 7 years over the groups and a standard deviation of 6/7 of
the mean, in groups as large as those of the course's validation split. In half of the trials the MAEs of groups rise
evenly from the largest group to the smallest, in the others the smallest group alone differs. Signed errors are normal,
with a standard deviation of 8 years and means that differ likewise. Prints Markdown tables of percent.
"""

import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ageui.compare.paired import PairedDifference, paired_differences
from engine.fairness import RESAMPLES, evaluate_split
from engine.figure_forms import figure_form, mean_pairwise_gap, ratio_of
from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats
from engine.split_result import Figure, GroupResult, SplitResult

SIZES = {
    "age": (305, 841, 275, 61),
    "gender": (766, 716),
    "ethnicity": (1316, 50, 116),
    "expression": (492, 403, 476, 111),
}
BIASES = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
PAIRS = ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (3.0, 3.0), (0.0, 1.0), (1.0, 2.0), (0.0, 3.0), (3.0, 5.0))
FACTORS = (0.67, 1.0, 1.5)
MEAN, SPREAD, ALIKE, SIGNED_SPREAD = 7.0, 6 / 7, 0.6, 8.0
FIGURES = ("bias", "gap", "ratio", "worst", "signed gap", "~")


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


def holds(figure: Figure | GroupResult | PairedDifference | None, value: float) -> bool:
    interval = figure.interval if figure else None
    return interval is not None and interval.low - 1e-9 <= value <= interval.high + 1e-9


def names_of(attribute: str) -> tuple[str, ...]:
    return tuple(map(str, range(len(SIZES[attribute]))))


def scored(attribute: str, errors: Floats, trial: int) -> SplitResult:
    groups = {attribute: (codes_of(attribute), names_of(attribute))}
    return evaluate_split(np.zeros(len(errors)), errors, groups, None, seed=trial)


def hits(attribute: str, bias: float, trials: int) -> Counter[str]:
    """How many intervals of how many trials held the truth, by figure, and for a group's MAE by its place."""
    codes, found = codes_of(attribute), Counter[str]()
    for trial in range(trials):
        random = np.random.default_rng([trial, int(bias * 100)])
        truth = true_maes(attribute, bias, evenly=trial % 2 == 0)
        result = scored(attribute, drawn_errors(truth, codes, random), trial)
        (own,), figure = result.biases, result.figure
        found["MAE"] += holds(figure("mae"), float(truth[codes].mean()))
        found["bias"] += holds(own, bias)
        found["gap"] += holds(figure(f"{attribute}_gap"), float(np.ptp(truth)))
        found["ratio"] += holds(figure(f"{attribute}_ratio"), float(ratio_of(truth)))
        found["worst"] += holds(figure(f"{attribute}_worst"), float(truth.max()))
        found["~"] += own.inside_noise
        for place, group in enumerate(own.groups):
            found[f"group {place}"] += holds(group, float(truth[place]))
        signed = truth[codes] - MEAN + random.normal(0, SIGNED_SPREAD, len(codes))
        found["signed gap"] += holds(scored(attribute, signed, trial).biases[0].signed_gap, bias)
    return found


def unequal_hits(attribute: str, factor: float, trials: int) -> Counter[str]:
    """Of groups with the same MAE, the smallest of which scatters `factor` times as much as the others."""
    codes, found = codes_of(attribute), Counter[str]()
    spreads = SPREAD * np.where(codes == np.argmin(SIZES[attribute]), factor, 1.0)
    for trial in range(trials):
        maes = np.full(len(SIZES[attribute]), MEAN)
        errors = drawn_errors(maes, codes, np.random.default_rng([trial, 2]), spreads)
        (bias,) = scored(attribute, errors, trial).biases
        found["beyond"] += not bias.inside_noise
        found["held"] += holds(bias, 0.0)
    return found


def paired_hits(attribute: str, biases: tuple[float, float], trials: int) -> Counter[str]:
    """Of differences between two runs whose errors correlate: how many intervals held the truth."""
    codes, found = codes_of(attribute), Counter[str]()
    for trial in range(trials):
        random = np.random.default_rng([trial, 1])
        sides = [true_maes(attribute, bias, evenly=trial % 2 == 0)[codes] for bias in biases]
        shared, *apart = random.normal(size=(3, len(codes)))
        ours, theirs = (
            np.abs(math.sqrt(ALIKE) * shared + math.sqrt(1 - ALIKE) * own) * math.sqrt(math.pi / 2) * side
            for own, side in zip(apart, sides, strict=True)
        )
        groups = {attribute: (codes, names_of(attribute))}
        both = [ImageErrors.of_predictions(np.zeros(len(codes)), errors, groups) for errors in (ours, theirs)]
        form = partial(figure_form, attribute)
        (difference,) = paired_differences([both[:1]], both[1:], form, seed=trial, resamples=1000)
        found["held"] += holds(difference, biases[0] - biases[1])
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
            ["attribute", "figure", *(f"{bias:g}" for bias in BIASES)],
            (
                [attribute, name, *(percent(single[attribute, bias][name]) for bias in BIASES)]
                for attribute in SIZES
                for name in FIGURES
            ),
        )
        table(
            ["images of a group", "MAE"],
            (
                [f"{size}", f"{np.mean([100 * found[key] / trials for found in own]):.1f}"]
                for size, key, own in sorted(
                    (size, f"group {place}", [single[attribute, bias] for bias in BIASES])
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
                for what, key in (("not marked ~", "beyond"), ("interval holds 0", "held"))
            ),
        )
        paired = dict(zip(pairs, pool.map(paired_hits, *zip(*pairs, strict=True), [trials] * len(pairs)), strict=True))
        table(
            ["difference of biases", *(f"{ours:g} − {theirs:g}" for ours, theirs in PAIRS)],
            ([attribute, *(percent(paired[attribute, biases]["held"]) for biases in PAIRS)] for attribute in SIZES),
        )


if __name__ == "__main__":
    main()
