"""The sentences below the fields of the form for new runs."""

from collections.abc import Mapping, Sequence

from ageui.planning import sweeps
from ageui.text.sentences import counted
from engine.short_text import short_list

_PLURALS = {
    "data": "data sets", "size": "sizes", "crop": "crops", "augment": "augmentations", "backbone": "backbones",
    "init": "inits", "head": "heads", "loss": "losses", "weights": "weights", "strategy": "strategies",
    "epochs": "epochs", "lr": "learning rates", "batch": "batch sizes", "optimizer": "optimizers",
    "seed": "seeds", "device": "devices",
}  # fmt: skip
_LISTED = 6


def grid_sentence(values: Mapping[str, str], distinct: int) -> str:
    """`6 runs: 2 losses × 3 seeds`. `distinct` is the number of distinct configs."""
    counts = {name: len(sweeps.values_of(name, text)) for name, text in values.items()}
    factors = [f"{count:,} {_PLURALS.get(name, f'values of {name}')}" for name, count in counts.items() if count > 1]
    return counted(distinct, "run") + (f": {' × '.join(factors)}" if factors else "")


def known_sentence(known: Sequence[tuple[int, str]], total: int, *, again: bool, command: str | None) -> str:
    """`2 of 6 exist already (run 12 done, 14 queued): left out`; empty if none does. `command` is the command
    shown; `ageui run` queues existing runs, too."""
    if not known:
        return ""
    listed = short_list([f"{run_id} {status}" for run_id, status in known], _LISTED)
    which = "it exists" if total == 1 else f"{len(known):,} of {total:,} exist{'s' if len(known) == 1 else ''}"
    fate = "queued anyway" if again else "left out"
    if not again and command is not None and command.startswith("ageui run "):
        fate = "left out; the command queues it anyway"
    return f"{which} already (run {listed}): {fate}"
