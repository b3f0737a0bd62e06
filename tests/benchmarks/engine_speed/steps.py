"""Time per image trained where all weights train, by every way, in steps after some that warm up."""

import statistics
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from children import measured
from tables import ratios, section, spread, table
from topic import Asked, in_turn, say
from work import STEP_WORKS, StepWork, Training, Way

VALID = 32
GROUPS = (STEP_WORKS[:2], STEP_WORKS[2:])
"""Works that share a process, to save the seconds of its start; small ones, then large ones."""

SHARES = """The share is the FLOPs of the network (convolutions and products, {flops}) times images per second, as a
share of the largest matrix product measured above in the arithmetic of the way. A network is bound by memory too, so
100 % is out of reach."""


@dataclass(frozen=True)
class Speed:
    images_per_second: float
    arithmetic: str


def measure(asked: Asked) -> dict[str, Any]:
    """`images_per_second[work][way]`, a figure for each repeat, `arithmetic[work][way]`, and how many workers the best
    settings had."""
    trainings = {work.name: _training(asked, work) for work in STEP_WORKS}
    workers = {work.name: _fastest_workers(asked, work, trainings[work.name]) for work in STEP_WORKS}
    found: dict[str, dict[str, list[float]]] = {work.name: {} for work in STEP_WORKS}
    arithmetic: dict[str, dict[str, str]] = {work.name: {} for work in STEP_WORKS}
    for group in GROUPS:
        chosen = [replace(trainings[work.name], workers=workers[work.name]) for work in group]
        works = {way.name: partial(_speeds, asked, way, chosen) for way in asked.ways}
        for way, repeats in in_turn(asked.repeats, works).items():
            for place, work in enumerate(group):
                found[work.name][way] = [speeds[place].images_per_second for speeds in repeats]
                arithmetic[work.name][way] = repeats[-1][place].arithmetic
    return {"workers": workers, "images_per_second": found, "arithmetic": arithmetic}


def shown(found: dict[str, Any], asked: Asked) -> str:
    parts = []
    for work in STEP_WORKS:
        speeds, arithmetic = found["images_per_second"][work.name], found["arithmetic"][work.name]
        flops = asked.machine["training_gflop_per_image"][f"{work.backbone} {work.size}"]
        title = f"**{work.name}**: {work.steps} steps after {work.warm}, {flops:.2f} GFLOP per image"
        workers = found["workers"][work.name]
        parts.append(
            f"{title}; best settings of the peers with {workers} worker{'' if workers == 1 else 's'}\n\n"
            + table(
                ("way", "images/s", "ms/image", "speed / plain", "speed / plain, best", "share of limit"),
                [_row(way, speeds, arithmetic[way], flops, asked) for way in speeds],
            )
        )
    return section(
        "Steps",
        "Fine-tuning of all weights: decoding, forward, backward, Adam. Validation is not in these figures. All ways "
        "train the same network from the same weights on the same batches; an epoch is a whole number of them, so that "
        "no policy for a last batch matters. Peers decode JPEG files in every epoch; ageui did so once before. Median "
        f"of {asked.repeats} repeats (least to greatest); a ratio is that of figures from the same repeat.",
        *parts,
        SHARES.replace("\n", " ").format(flops="2 per multiplication and addition"),
    )


def _row(way: str, speeds: dict[str, list[float]], arithmetic: str, flops: float, asked: Asked) -> tuple[str, ...]:
    own = speeds[way]
    against = [spread(ratios(own, speeds[name])) if name in speeds else "–" for name in ("plain", "plain, best")]
    share = statistics.median(own) * flops / asked.machine["limits"][f"{arithmetic}_gflops"]
    return (
        way,
        spread(own, "{:.1f}"),
        f"{1000 / statistics.median(own):.2f}",
        *against,
        f"{share:.0%} ({arithmetic})",
    )


def _training(asked: Asked, work: StepWork) -> Training:
    return Training(
        folder=asked.faces.of(work.images, VALID),
        backbone=work.backbone,
        size=work.size,
        batch=work.batch,
        warm_steps=work.warm,
        timed_steps=work.steps,
    )


def _speeds(asked: Asked, way: Way, trainings: list[Training], repeat: int) -> list[Speed]:
    values = [one.to_json() for one in trainings]
    answers = measured("several_steps", way=way.name, trainings=values, cache=asked.cache).found
    return [
        Speed(one.timed_steps * one.batch / answer["step_seconds"], answer["arithmetic"])
        for one, answer in zip(trainings, answers, strict=True)
    ]


def _fastest_workers(asked: Asked, work: StepWork, training: Training) -> int:
    """The number of loader workers with which the plain loop in its best setting is fastest on this machine."""
    cores = asked.machine["cores"]
    candidates = sorted({0, cores} if asked.is_on_cpu else {0, min(4, cores), min(8, cores), cores})
    speeds = {}
    best = next(way for way in asked.ways if way.name == "plain, best")
    for workers in candidates:
        say(f"  {work.name}: {workers} workers")
        (speed,) = _speeds(asked, best, [replace(training, workers=workers)], 0)
        speeds[workers] = speed.images_per_second
    return max(speeds, key=lambda workers: speeds[workers])
