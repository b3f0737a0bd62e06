"""A sweep of frozen stages through `ageui sweep` and its worker, against as many runs of the plain loop."""

import time
from pathlib import Path
from typing import Any

from children import command
from frozen import BATCH, EPOCHS, SIZE, plain_seconds, training
from tables import section, table
from topic import Asked, say

LOSSES, WEIGHTS, BATCHES = ("mse", "mae", "huber", "logcosh"), ("none", "gender", "age"), (16, 32)
TRAIN, VALID = 1024, 256
RUNS = len(LOSSES) * len(WEIGHTS) * len(BATCHES)


def measure(asked: Asked) -> dict[str, float]:
    """Seconds of the sweep from the command to the end of its last run, and of plain loops, scaled. Measured once."""
    work = training(asked, TRAIN, VALID)
    say("  plain")
    plain = plain_seconds(work, best=False)
    say("  plain, best")
    best = plain_seconds(work, best=True)
    say(f"  ageui sweep, {RUNS} runs")
    with asked.empty_cache() as name:
        cache = Path(name)
        environment = {"AGEUI_CACHE": str(cache / "cache"), "AGEUI_DB": str(cache / "runs.db")}
        elsewhere = {**environment, "AGEUI_CACHE": str(cache / "registering")}
        command("data", "add", "faces", work.folder, environment=elsewhere)
        begin = time.perf_counter()
        try:
            command("sweep", *_flags(asked), environment=environment)
            command("wait", environment=environment)
            seconds = time.perf_counter() - begin
        finally:
            command("worker", "stop", environment=environment)
    return {"ageui": seconds, "plain": RUNS * plain, "plain, best": RUNS * best}


def shown(found: dict[str, Any], asked: Asked) -> str:
    rows = [
        (f"{RUNS} × {way} (scaled)" if way != "ageui" else "ageui sweep, worker included", f"{seconds:,.0f}",
         f"{seconds / RUNS:,.1f}", f"{seconds / found['ageui']:.1f}")
        for way, seconds in found.items()
    ]  # fmt: skip
    return section(
        "Sweep",
        f"{RUNS} runs of {EPOCHS} frozen epochs ({len(LOSSES)} losses × {len(WEIGHTS)} sample weights × batch "
        f"{' and '.join(map(str, BATCHES))}) on {asked.backbone} at {SIZE} px, {TRAIN} train and {VALID} validation "
        "images, from `ageui sweep` to the end of the last run, the start of an engine process, nothing decoded. "
        f"The plain loops are scaled: one epoch of batch {BATCH} was measured and taken {EPOCHS} times for each of "
        f"{RUNS} runs, without their imports. Measured once. The more images, the greater the ratio, since ageui's "
        "runs share one pass through the backbone.",
        table(("way", "seconds", "seconds / run", "way / ageui"), rows),
    )


def _flags(asked: Asked) -> list[str]:
    return [
        "--data", "faces", "--backbone", asked.backbone, "--init", asked.init, "--strategy", "freeze",
        "--epochs", f"{EPOCHS}+0", "--size", str(SIZE), "--lr", "5e-4", "--head", "2fc-sigmoid",
        "--set", "patience=none", "--set", "keep=last", "--loss", ",".join(LOSSES), "--weights", ",".join(WEIGHTS),
        "--batch", ",".join(map(str, BATCHES)),
    ]  # fmt: skip
