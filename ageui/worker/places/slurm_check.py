"""Checks a Slurm cluster: its commands, and what a node sees, by a job of its own.

    python -P -m ageui.worker.places.slurm_check FOLDER

is the job: it reads the question in FOLDER and writes the answer beside it.
"""

import json
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ageui.worker.places import slurm_commands
from ageui.worker.places.slurm_commands import JobWatch
from engine.data.data_root import found_below
from engine.files import make_private_folder, write_atomically
from engine.library_versions import NETWORK_LIBRARIES, library_versions

_QUESTION, _ANSWER = "question", "answer"
_SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class NodeAnswer:
    """What a job found on its node: its versions, the data paths that it misses, and whether it has a GPU."""

    node: str
    versions: dict[str, str]
    missing: list[str]
    gpu: str | None


class NoAnswerError(Exception):
    """No node answered; the message says why."""


def own_versions() -> dict[str, str]:
    """The versions that decide a run's figures, on this machine."""
    return {"python": sys.version.split()[0], **dict(zip(NETWORK_LIBRARIES, library_versions(), strict=True))}


def ask_a_node(
    folder: Path, paths: Sequence[str], options: dict[str, str], seconds: float, data_root: Path | None = None
) -> NodeAnswer:
    """Submits a job that reads from `folder` what this machine wrote there, and waits up to `seconds` for its answer.

    The job looks for `paths` below `data_root`, too.

    Raises `NoAnswerError`, `RefusedError`, `UnreachableError` and `OSError`.
    """
    name = f"ageui-check-{secrets.token_hex(4)}"
    place = folder / name
    make_private_folder(place)
    token = secrets.token_hex(8)
    root = None if data_root is None else str(data_root)
    write_atomically(place / _QUESTION, _writer({"token": token, "paths": list(paths), "root": root}))
    command = [sys.executable, "-P", "-m", "ageui.worker.places.slurm_check", str(place)]
    log = place / "log.txt"
    watch = JobWatch()
    try:
        job = slurm_commands.submit(name, command, log, options, {})
        watch.add(name)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # A list of the folder, because a node's file may be looked up in vain for a while.
            if _ANSWER in os.listdir(place):
                answer = json.loads((place / _ANSWER).read_bytes())
                if answer.pop("token") != token:
                    raise NoAnswerError(f"job {job} read another file than this machine wrote in {place}")
                return NodeAnswer(**answer)
            state = watch.state(name)
            if state is not None and state.is_over and _ANSWER not in os.listdir(place):
                said = log.read_text(errors="replace").strip() if log.exists() else f"nothing in {log}"
                raise NoAnswerError(f"job {job} ended without an answer in {place} ({state.state}): {said[-500:]}")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        state = watch.state(name)
        waits = f"it waits: {state.reason}" if state is not None and state.is_pending else "it runs, but left no file"
        raise NoAnswerError(f"job {job} did not answer within {seconds:.0f} s: {waits}")
    finally:
        slurm_commands.end(name)
        # A network file system keeps a file that the job still has open, and its folder.
        shutil.rmtree(place, ignore_errors=True)


def main() -> int:
    place = Path(sys.argv[1])
    question = json.loads((place / _QUESTION).read_bytes())
    answer = NodeAnswer(
        os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        own_versions(),
        [path for path in question["paths"] if not _is_seen(Path(path), question["root"])],
        os.environ.get("SLURM_JOB_GPUS"),
    )
    write_atomically(place / _ANSWER, _writer({"token": question["token"], **vars(answer)}))
    return 0


def _is_seen(path: Path, root: str | None) -> bool:
    return path.exists() if root is None else found_below(path, Path(root)) is not None


def _writer(content: dict[str, Any]) -> Any:
    return lambda stream: stream.write(json.dumps(content).encode())


if __name__ == "__main__":
    sys.exit(main())
