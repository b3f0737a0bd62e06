"""A run as a folder for a model hub: weights, config, a script that predicts, and a model card."""

from json import loads
from pathlib import Path
from typing import Any, Final

from ageui import __version__
from ageui.exchange.model_page import model_page
from ageui.present import json
from ageui.store import RunDetail
from engine.bounded_files import read_regular
from engine.config import RunConfig
from engine.plain_prediction import expected_image, plain_prediction

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"
SCRIPT: Final = "predict.py"
PAGE: Final = "README.md"
PREDICTIONS: Final = "predictions.csv"
HUB_FILES: Final = (WEIGHTS, CONFIG, SCRIPT, PAGE, PREDICTIONS)
_CONFIG_BYTES: Final = 10_000_000


def is_hub_folder(folder: Path) -> bool:
    """Whether an export wrote the folder: its config names ageui, unlike that of another model."""
    try:
        found = loads(read_regular(folder / CONFIG, _CONFIG_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"ageui", "run"} <= found.keys()


def hub_files(run: RunDetail, config: RunConfig, weights: bytes) -> dict[str, bytes]:
    """The content of each file by name.

    Parameters
    ----------
    run
        A run without private parts, see `shareable`.
    config
        The config stored with its weights.
    weights
        Its weights in safetensors, with a config without private parts.
    """
    photos = bool(run.data_spec.get("photos"))
    return {
        WEIGHTS: weights,
        CONFIG: json.text(model_facts(run, config)).encode(),
        SCRIPT: plain_prediction(config, WEIGHTS, SCRIPT, photos=photos).encode(),
        PAGE: model_page(run, f"python {SCRIPT} FACE.jpg").encode(),
    }


def model_facts(run: RunDetail, config: RunConfig) -> dict[str, Any]:
    """What a program needs to know of a model: its input and output, its figures, and how it was trained.

    `run` is without private parts, see `shareable`.
    """
    scores = run.primary_scores
    return {
        "run": run.name,
        "ageui": __version__,
        "input": f"an RGB image of {config.size}×{config.size} pixels",
        "face": expected_image(config, photos=bool(run.data_spec.get("photos"))),
        "size": config.size,
        "output": "age in years",
        "arithmetic": "fp32",
        "responsible_use": "research into errors and biases; not for deciding about anybody",
        "pretraining": run.pretraining,
        "scores": scores.to_json() if scores is not None else None,
        "config": run.config,
    }
