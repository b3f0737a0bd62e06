"""Part: the study `final` as its file says, trained by the engine as far as the time goes."""

import time
import tomllib
from pathlib import Path
from typing import Any

from check import Session
from peers.ageui_engine import run

from engine.config import RunConfig, build_config
from engine.events import EpochEnded, Evaluated, Event

STUDY = Path(__file__).resolve().parents[3] / "ageui" / "studies" / "final.toml"
SPARE_SECONDS = 5.0


def measure(session: Session) -> None:
    config = _config(session)
    weights = "random" if config.init == "random" else Path(config.init).name
    first, last = config.epochs
    name = f"final, {first} + {last} epochs of {config.backbone}, first weights {weights}"
    begin = time.perf_counter()

    def seconds() -> str:
        return f"{time.perf_counter() - begin:.1f} s"

    def emit(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.scores is not None:
            figures = _figures(event.scores.mae, event.scores.bias)
            session.row(name, f"epoch {event.epoch} after {seconds()}", f"validation: {figures}")
        elif isinstance(event, Evaluated):
            biases = {bias.attribute: bias.value for bias in event.result.biases}
            session.row(event.split, "the best epoch's weights", _figures(event.result.mae, biases))

    run(config, session.found["images"], session.check.cache, emit, lambda: session.seconds_left < SPARE_SECONDS)
    session.row("whole run", seconds(), "scoring and writing included; images and features may be cached")


def _config(session: Session) -> RunConfig:
    study = tomllib.loads(STUDY.read_text(encoding="utf-8"))
    settings: dict[str, Any] = {**study["base"], **study["cells"][0]["settings"]}
    settings["init"] = session.check.init(settings["backbone"])
    if session.check.tiny:
        sizes = session.check.sizes
        settings |= {"backbone": sizes.networks[1], "size": sizes.pixels, "batch": sizes.batch, "epochs": (1, 1)}
    return build_config(settings)


def _figures(mae: float, biases: dict[str, float | None]) -> str:
    figures = [f"{name} {value:.2f}" for name, value in {"MAE": mae, **biases}.items() if value is not None]
    return ", ".join(figures)
