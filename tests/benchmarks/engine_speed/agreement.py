"""A small training by every way from the first import to the last validation: its time, and whether all learn alike."""

import statistics
from functools import partial
from typing import Any

from children import measured
from tables import ratios, section, spread, table
from topic import Asked, in_turn
from work import Training, Way

TRAIN, VALID, EPOCHS = 512, 256, 4
BACKBONE, SIZE, BATCH = "resnet18@layer2", 64, 32


def measure(asked: Asked) -> dict[str, Any]:
    """For every way and repeat, whose seed is the repeat's number: validation MAE (years), seconds of the training and
    of its whole process. Nothing is decoded before."""
    works = {way.name: partial(_trained, asked, way) for way in asked.ways}
    return in_turn(asked.repeats, works)


def shown(found: dict[str, Any], asked: Asked) -> str:
    maes = {way: [one["val_mae"] for one in repeats] for way, repeats in found.items()}
    seconds = {way: [one["seconds"] for one in repeats] for way, repeats in found.items()}
    whole = {way: [one["process_seconds"] for one in repeats] for way, repeats in found.items()}
    rows = []
    for way in found:
        faster = spread(ratios(whole["plain"], whole[way])) if "plain" in whole else "–"
        mean = statistics.mean(maes[way])
        rows.append((way, f"{mean:.2f}", spread(seconds[way], "{:.1f}"), spread(whole[way], "{:.1f}"), faster))
    return section(
        "A whole small training, and whether all learn alike",
        f"{BACKBONE} at {SIZE} px from random weights, {TRAIN} images, {EPOCHS} epochs of batch {BATCH}, {VALID} "
        f"validation images after each; {asked.repeats} seeds, the same for all ways; {asked.workers} loader workers "
        "in the best settings. Nothing is decoded before: the whole process is Python's start, imports, decoding, "
        "training, and for ageui the scoring at its end and the files it writes.",
        table(("way", "val MAE, years", "training, s", "whole process, s", "plain / way"), rows),
        _verdict(maes),
    )


def _trained(asked: Asked, way: Way, repeat: int) -> dict[str, float]:
    training = Training(
        folder=asked.faces.of(TRAIN, VALID),
        backbone=BACKBONE,
        size=SIZE,
        batch=BATCH,
        epochs=EPOCHS,
        workers=asked.workers,
        seed=repeat,
    )
    with asked.empty_cache() as cache:
        answer = measured("steps", way=way.name, training=training.to_json(), cache=cache)
    return {**answer.found, "process_seconds": answer.process_seconds}


def _verdict(maes: dict[str, list[float]]) -> str:
    """Whether no way's mean differs from ageui's by more than twice what the mean of so many seeds scatters."""
    if "ageui" not in maes or len(maes["ageui"]) < 2:
        return "Too few seeds to tell what noise is."
    noise = statistics.mean(statistics.variance(values) for values in maes.values()) ** 0.5
    allowed = 2 * noise * (2 / len(maes["ageui"])) ** 0.5
    means = {way: statistics.mean(values) for way, values in maes.items()}
    far = [
        f"{way} ({mean - means['ageui']:+.2f})" for way, mean in means.items() if abs(mean - means["ageui"]) > allowed
    ]
    noted = f"A seed's standard deviation is {noise:.2f} years; means may differ from ageui's by {allowed:.2f}."
    return f"{noted} **{'Outside: ' + ', '.join(far) if far else 'All ways agree within seed noise'}.**"
