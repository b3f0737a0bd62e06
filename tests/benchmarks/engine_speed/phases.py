"""Where the seconds of `ageui run` go, told by when it hears of its engine's events."""

import os
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from children import Answer, command, measured
from tables import section, spread, table
from topic import Asked, in_turn

TRAIN, VALID, SIZE, BATCH, EPOCHS = 192, 64, 112, 32, (10, 2)
PHASES = (
    "start of the command", "start of the engine, imports", "data, network", "features", "stage 1", "stage 2",
    "evaluation", "writing", "storing, printing, end",
)  # fmt: skip
# Put before the engine's own code: imports what it would import itself first of all, and tells when that is done.
TELLING = """
import os, sys, time
if "--events" in sys.orig_argv:
    import engine.train
    with open(os.environ["ENGINE_IMPORTED"], "w") as file:
        file.write(str(time.time()))
"""
COLD, WARM = "nothing cached", "images and features cached"


def measure(asked: Asked) -> dict[str, list[dict[str, float]]]:
    """Seconds of each phase, for every repeat, with nothing cached and then with all that a run before has cached."""
    folder = asked.folder / "phases"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(TELLING)
    return in_turn(asked.repeats, {COLD: partial(_run, asked, folder, True), WARM: partial(_run, asked, folder, False)})


def shown(found: dict[str, list[dict[str, float]]], asked: Asked) -> str:
    rows = []
    for phase in PHASES:
        rows.append((phase, *[spread([one[phase] for one in repeats]) for repeats in found.values()]))
    rows.append(("**in all**", *[spread([sum(one.values()) for one in repeats]) for repeats in found.values()]))
    return section(
        "Phases of `ageui run`",
        f"{asked.backbone} at {SIZE} px, {TRAIN} train and {VALID} validation images, batch {BATCH}, {EPOCHS[0]} "
        f"epochs of stage 1 and {EPOCHS[1]} of stage 2, in seconds. A phase is the time between the arrivals of the "
        "engine's events; the end of its imports is told aside. A stage includes its validation; writing is that of "
        "checkpoints and of the weights to keep.",
        table(("phase", *found), rows),
    )


def _run(asked: Asked, folder: Path, cold: bool, repeat: int) -> dict[str, float]:
    cache = folder / f"cache-{repeat}"
    environment = {"AGEUI_CACHE": str(cache), "AGEUI_DB": str(folder / f"runs-{repeat}.db")}
    if cold:
        # Into another cache, so that nothing of what registering reads helps the run.
        elsewhere = {**environment, "AGEUI_CACHE": str(folder / f"registering-{repeat}")}
        command("data", "add", "faces", asked.faces.of(TRAIN, VALID), environment=elsewhere)
    imported = folder / "imported"
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    environment |= {"PYTHONPATH": paths, "ENGINE_IMPORTED": str(imported)}
    answer = measured("recorded_run", environment, arguments=_flags(asked))
    return _phases(answer, float(imported.read_text()))


def _phases(answer: Answer, imported: float) -> dict[str, float]:
    """Every gap between events goes to the phase of the event that ends it."""
    seconds: dict[str, float] = defaultdict(float)
    started, asked_for = answer.found["engine_started"], answer.found["engine_asked_for"]
    # The command goes on preparing the run while its engine imports; what takes longer than that is its start, too.
    seconds["start of the command"] = started - answer.started + max(0.0, asked_for - imported)
    seconds["start of the engine, imports"] = imported - started
    before = max(imported, asked_for)
    for event in answer.found["events"]:
        seconds[_phase(event)] += event["time"] - before
        before = event["time"]
    seconds["storing, printing, end"] += answer.started + answer.process_seconds - before
    return {phase: seconds[phase] for phase in PHASES}


def _phase(event: dict[str, Any]) -> str:
    match event["event"]:
        case "Progressed" if event["what"] == "features":
            return "features"
        case "Progressed" if event["what"].startswith("scoring"):
            return "evaluation"
        case "StageStarted" if event["stage"] == 1:
            return "features"
        case "StageStarted" | "StepsEnded" | "EpochEnded":
            return f"stage {event['stage']}"
        case "CheckpointWritten":
            return "writing"
        case "Evaluated" | "MemoryPeaked":
            return "evaluation"
        case "RunEnded":
            return "storing, printing, end"
        case _:
            return "data, network"


def _flags(asked: Asked) -> list[str]:
    return [
        "--data", "faces", "--backbone", asked.backbone, "--init", asked.init, "--strategy", "freeze",
        "--epochs", ",".join(map(str, EPOCHS)), "--size", str(SIZE), "--batch", str(BATCH), "--lr", "5e-4",
        "--loss", "mse", "--set", "patience=none",
    ]  # fmt: skip
