"""Part: the application's own commands on this device, through queue and worker."""

from pathlib import Path

from check import Session
from children import command

SPARE_SECONDS = 20.0
"""Left to stop the worker, which would live on."""


def measure(session: Session) -> None:
    check, folder = session.check, Path(session.check.folder)
    state = folder / "state"
    environment = {
        "AGEUI_CACHE": str(check.cache),
        "AGEUI_DB": str(folder / "runs.db"),
        "XDG_STATE_HOME": str(state),
        "XDG_CONFIG_HOME": str(state),
    }
    _row(session, command("doctor", environment=environment), "ageui doctor")
    command("data", "add", "faces", session.found["images"], environment=environment)
    study = ["study", "run", "final", "--preset", "report", "--data", "faces", *_settings(session)]
    try:
        seconds = command(*study, environment=environment, timeout=session.seconds_left - SPARE_SECONDS)
        _row(session, seconds, "ageui study run final, 1 + 1 epochs, from the command to its end")
    finally:
        command("worker", "stop", environment=environment)


def _settings(session: Session) -> list[str]:
    check, sizes = session.check, session.check.sizes
    settings = {"epochs": "1,1", "init": check.init(sizes.networks[1])}
    if check.tiny:
        settings |= {"backbone": sizes.networks[1], "size": str(sizes.pixels), "batch": str(sizes.batch)}
    return [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]


def _row(session: Session, seconds: float, what: str) -> None:
    session.row(what, f"{seconds:.1f} s")
