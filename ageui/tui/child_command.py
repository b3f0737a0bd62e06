"""Runs ageui commands as child processes, which may import torch and pandas. They answer in JSON."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ageui.text import message_lines

Progress = Callable[[str, int, int], None]
"""Called with the current activity, the number of finished items and their total."""


@dataclass(frozen=True)
class CommandResult:
    """The exit code of a command, the JSON it printed (None without any), and its error.

    If it reported no error, for instance after a crash, `error` is its other output on stderr.
    """

    code: int
    answer: Any
    error: str


async def run_command(
    arguments: Sequence[str], names: Sequence[str], db: Path, *, progress: Progress | None = None
) -> CommandResult:
    """Runs `ageui ARGUMENTS --json -- NAMES` on a database; kills the command if cancelled.

    Threads read the pipes, because asyncio's subprocesses complain if the application ends while they are killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ageui", *arguments, "--json", "--db", str(db.absolute()), "--", *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, message_lines.VARIABLE: "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    loop = asyncio.get_running_loop()

    def report(what: str, done: int, total: int) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, what, done, total)

    try:
        answer, error = await asyncio.gather(
            asyncio.to_thread(_read_answer, process.stdout), asyncio.to_thread(_read_error, process.stderr, report)
        )
        code = await asyncio.to_thread(process.wait)
        return CommandResult(code, answer, error or f"ageui {' '.join(arguments)} exited with code {code}")
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Waits in a thread, because a process that hangs in a system call would block the application.
            threading.Thread(target=process.wait, daemon=True).start()


def _read_answer(stream: IO[bytes]) -> Any:
    with stream, contextlib.suppress(ValueError):
        return json.loads(stream.read())
    return None


def _read_error(stream: IO[bytes], progress: Progress) -> str:
    """The error that the command reported, else all lines that are not messages."""
    lines: list[str] = []
    error = ""
    with stream:
        for line in stream:
            message = message_lines.read_line(line)
            if "progress" in message:
                progress(message["progress"], message["done"], message["total"])
            elif "error" in message:
                error = message["error"]
            else:
                lines.append(line.decode(errors="replace"))
    return error or "".join(lines).strip()
