"""Starts measurements in processes of their own, so that none has another's threads, memory or warm caches."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("child.py")
SHOWN = 600


class MeasurementError(Exception):
    """A process that measured something failed; the message holds the end of what it wrote."""


@dataclass(frozen=True)
class Answer:
    """What a job found, and the seconds its process took with its start, imports and end."""

    found: Any
    process_seconds: float
    started: float


def measured(job: str, environment: dict[str, str] | None = None, **arguments: Any) -> Answer:
    """Runs a job of `child.py` and waits for it. Raises `MeasurementError`."""
    with tempfile.TemporaryDirectory() as name:
        answer = Path(name) / "answer.json"
        request = {"job": job, "arguments": arguments, "answer": str(answer)}
        started, begin = time.time(), time.perf_counter()
        process = subprocess.run(
            [sys.executable, str(CHILD)],
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
        seconds = time.perf_counter() - begin
        if process.returncode != 0 or not answer.exists():
            raise MeasurementError(f"{job} {arguments.get('way', '')}: {process.stdout.strip()[-SHOWN:]}")
        return Answer(json.loads(answer.read_text()), seconds, started)


def command(*arguments: str, environment: dict[str, str], timeout: float | None = None) -> float:
    """Runs `ageui` with arguments; the seconds it took. Raises `MeasurementError`, also after `timeout` seconds."""
    begin = time.perf_counter()
    try:
        process = subprocess.run(
            [sys.executable, "-m", "ageui", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"ageui {arguments[0]} took more than {timeout:.0f} s") from error
    if process.returncode != 0:
        raise MeasurementError(f"ageui {arguments[0]}: {process.stdout.strip()[-SHOWN:]}")
    return time.perf_counter() - begin
