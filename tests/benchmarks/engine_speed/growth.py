"""How ageui's time grows with images, epochs, model and number of runs."""

from dataclasses import replace
from functools import partial

import numpy as np
from children import measured
from tables import section, spread, table
from topic import Asked, in_turn
from work import Training

VALID, SIZE, BATCH = 32, 64, 32
IMAGES, EPOCHS, RUNS = (64, 128, 256, 512), (1, 2, 4, 8), (1, 2, 4, 8)
MODELS = ("resnet18", "resnet34", "resnet50", "resnet101")
NETWORKS = [(model, SIZE) for model in MODELS]
"""Networks and sizes whose FLOPs the table of models wants."""


def measure(asked: Asked) -> list[dict[str, list[float]]]:
    """Seconds along each axis, for every repeat, all of one repeat in one process after a run that warms up."""
    return in_turn(asked.repeats, {"growth": partial(_measured, asked)}).get("growth", [])


def shown(found: list[dict[str, list[float]]], asked: Asked) -> str:
    parts = [
        _linear(found, "images", IMAGES, "2 epochs of resnet18@layer2"),
        _linear(found, "epochs", EPOCHS, "128 images, resnet18@layer2"),
        _linear(found, "runs", RUNS, "one after the other in a process, 128 images, 2 epochs of resnet18@layer2"),
        _models(found, asked),
    ]
    return section(
        "Growth",
        f"Seconds of whole runs of ageui at {SIZE} px, batch {BATCH}, {VALID} validation images after each epoch, "
        "images decoded before. The line is fitted by least squares; the deviation is the greatest from it, as a share "
        "of the measured seconds.",
        *parts,
    )


def _base(asked: Asked) -> Training:
    return Training(asked.faces.of(128, VALID), "resnet18@layer2", SIZE, BATCH, epochs=2)


def _measured(asked: Asked, repeat: int) -> dict[str, list[float]]:
    base = _base(asked)
    by_images = [replace(base, folder=asked.faces.of(count, VALID)) for count in IMAGES]
    by_epochs = [replace(base, epochs=count) for count in EPOCHS]
    by_model = [replace(base, backbone=model) for model in MODELS]
    several = [replace(base, seed=seed) for seed in range(max(RUNS))]
    # The first pass over each folder decodes; none of it is kept.
    trainings = [*[replace(one, epochs=1) for one in by_images], *by_images, *by_epochs, *by_model, *several]
    answer = measured("growth", trainings=[one.to_json() for one in trainings], cache=asked.cache).found
    parts = iter(answer[len(by_images) :])
    images, epochs, models, runs = ([next(parts) for _ in part] for part in (by_images, by_epochs, by_model, several))
    whole = [one[-1] for one in runs]
    return {
        "images": [one[-1] for one in images],
        "epochs": [one[-1] for one in epochs],
        "runs": [sum(whole[:count]) for count in RUNS],
        "models": [one[1] for one in models],
    }


def _linear(found: list[dict[str, list[float]]], axis: str, values: tuple[int, ...], what: str) -> str:
    seconds = np.median([one[axis] for one in found], axis=0)
    slope, start = np.polyfit(values, seconds, 1)
    off = np.max(np.abs(seconds - (start + slope * np.array(values))) / seconds)
    rows = [(f"{value:,}", spread([one[axis][place] for one in found])) for place, value in enumerate(values)]
    line = f"{start:.2f} s + {slope * 1000:.1f} ms per {axis.removesuffix('s')}, deviation at most {off:.0%}"
    return f"**{axis.capitalize()}** ({what}): {line}\n\n{table((axis, 'seconds'), rows)}"


def _models(found: list[dict[str, list[float]]], asked: Asked) -> str:
    flops = asked.machine["training_gflop_per_image"]
    rows = []
    for place, model in enumerate(MODELS):
        seconds = [one["models"][place] for one in found]
        gflop = flops[f"{model} {SIZE}"]
        rate = float(np.median(seconds)) / gflop * 1000 / 128
        rows.append((model, f"{gflop:.2f}", spread(seconds), f"{rate:.1f}"))
    header = ("model", "GFLOP/image", "seconds", "ms / (image and GFLOP)")
    return f"**Model** (the second epoch, 128 images)\n\n{table(header, rows)}"
