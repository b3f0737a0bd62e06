"""How often 90% intervals hold the true age. Run: python tests/benchmarks/conformal_coverage.py [SEEDS]

Each data seed draws new faces, trains a small network and predicts the ages of two splits: valid, which chose the
epoch, and test, which chose nothing. "Test" calibrates on one half of the test faces and measures on the other. "Valid"
calibrates on valid and measures on the test faces. "Stated" is the coverage that `ageui predict` prints.
"""

import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from engine.config import build_config
from engine.conformal import age_intervals
from engine.data.spec import DataSpec, SyntheticOptions
from engine.events import Evaluated, Event
from engine.request import RunRequest
from engine.resampling import Floats
from engine.train import train

COUNTS = (300, 300, 1000)
CONFIG = {
    "backbone": "resnet18@layer1",
    "size": 32,
    "strategy": "scratch",
    "init": "random",
    "epochs": 4,
    "lr": 1e-3,
    "device": "cpu",
    "precision": "fp32",
}


def predictions(seed: int) -> dict[str, tuple[Floats, Floats]]:
    """True and predicted ages of each split, in years."""
    options = SyntheticOptions(counts=COUNTS, image_size=32, seed=seed, label_noise={"gender=male": 4.0})
    spec, events = DataSpec(name="drawn", format="synthetic", synthetic=options), list[Event]()
    with tempfile.TemporaryDirectory() as folder:
        config = build_config({**CONFIG, "seed": seed})
        request = RunRequest(config=config, spec=spec, folder=Path(folder) / "run", cache=Path(folder) / "cache")
        train(request, emit=events.append)
    scored = [event for event in events if isinstance(event, Evaluated)]
    return {one.split: (one.items["age"].to_numpy(float), one.predicted.astype(float)) for one in scored}


def coverage(calibrating: tuple[Floats, Floats], measuring: tuple[Floats, Floats]) -> tuple[float, float, float]:
    """Coverage of the measuring images, the stated one, and the mean width in years."""
    intervals = age_intervals(*calibrating)
    assert intervals is not None
    ages, predicted = measuring
    low, high = intervals.around(predicted).T
    return float(np.mean((low <= ages) & (ages <= high))), intervals.coverage, float(np.mean(high - low))


def main(seeds: int = 20) -> None:
    found: dict[str, list[tuple[float, float, float]]] = {"test": [], "valid": []}
    with ProcessPoolExecutor() as pool:
        drawn = list(pool.map(predictions, range(seeds)))
    for by_split in drawn:
        ages, predicted = by_split["test"]
        found["test"].append(coverage((ages[::2], predicted[::2]), (ages[1::2], predicted[1::2])))
        found["valid"].append(coverage(by_split["valid"], by_split["test"]))
    print(f"{seeds} data seeds, {COUNTS} drawn faces in train, valid and test\n")
    print("| calibrated on | coverage % | of single seeds | stated % | mean width, years |\n|---|---:|---:|---:|---:|")
    for split, rows in found.items():
        held, stated, width = np.array(rows).T
        ends = f"{100 * held.min():.1f} to {100 * held.max():.1f}"
        print(f"| {split} | {100 * held.mean():.1f} | {ends} | {100 * stated.mean():.1f} | {width.mean():.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
