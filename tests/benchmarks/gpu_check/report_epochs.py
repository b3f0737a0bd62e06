"""Part: the report's final model for a few epochs, and how long its 50 would take by them."""

import math
import time

from check import Session
from peers.ageui_engine import run

from engine.config import PRESETS, build_config
from engine.events import EpochEnded, Event, StageStarted

MEASURED, ALL = 2, 25


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    settings = {**PRESETS["report"], "epochs": (MEASURED, MEASURED), "patience": None}
    if check.tiny:
        settings |= {"backbone": sizes.networks[1], "size": sizes.pixels, "batch": sizes.batch}
    config = build_config({**settings, "init": check.init(settings["backbone"])})
    epochs: list[EpochEnded] = []
    before, begin = 0.0, time.perf_counter()

    def emit(event: Event) -> None:
        nonlocal before
        now = time.perf_counter()
        match event:
            case StageStarted(stage=1):
                before = now - begin
            case EpochEnded():
                epochs.append(event)

    seconds = run(config, session.found["images"], check.cache, emit)
    # The first epoch of a stage has more to do, such as recording graphs.
    first, second = epochs[MEASURED - 1].seconds, epochs[-1].seconds
    projected = seconds + (ALL - MEASURED) * (first + second)
    after = seconds - before - sum(epoch.seconds for epoch in epochs)
    session.row(
        f"{ALL} + {ALL} epochs of {config.backbone}, {sum(sizes.images)} images",
        f"**{projected:.1f} s**, projected from {MEASURED} + {MEASURED} epochs",
        f"{before:.1f} s before training, features included; {ALL} × {first:.2f} s; {ALL} × {second:.2f} s; "
        f"{after:.1f} s of scoring, writing and the rest",
    )
    steps = ALL * math.ceil(sizes.images[0] / config.batch)
    if {"step 1", "plain step 1"} <= session.found.keys():
        own, plain = (steps * session.found[name] / 1000 for name in ("step 1", "plain step 1"))
        session.row(
            f"the steps of stage 2 alone, {steps:,}",
            f"{own:.1f} s by the measured step, {ALL * second:.1f} s by the epochs with their validation",
            f"PyTorch's best setting: {plain:.1f} s, without loading",
        )
