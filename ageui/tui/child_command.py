"""Commands of ageui in a process of their own: what needs torch, pandas or decoded images stays out of this one."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how many items are done and how many there are."""

_PREFIX = b"ageui: "


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it wrote on stdout, and its error, else its messages."""

    code: int
    out: str
    messages: str


async def run_command(arguments: list[str], db: Path, *, progress: Progress | None = None) -> Ended:
    """Runs `ageui ARGUMENTS` on a database; the names among them come after a `--`. Cancelled, it kills the command.

    `progress` hears what the hidden option --progress-lines prints. The pipes are read in threads, which end with the
    command: asyncio's own processes complain when the application is left while they are killed.
    """
    place = arguments.index("--") if "--" in arguments else len(arguments)
    command = [*arguments[:place], "--db", str(db.absolute()), *arguments[place:]]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ageui", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    loop = asyncio.get_running_loop()

    def tell(what: str, done: int, total: int) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, what, done, total)

    try:
        out, messages = await asyncio.gather(
            asyncio.to_thread(_all, process.stdout), asyncio.to_thread(_messages, process.stderr, tell)
        )
        return Ended(await asyncio.to_thread(process.wait), out, messages)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Reaped by a thread: one that hangs in a system call would hold up the application.
            threading.Thread(target=process.wait, daemon=True).start()


def _all(stream: IO[bytes]) -> str:
    with stream:
        return stream.read().decode(errors="replace")


def _messages(stream: IO[bytes], progress: Progress) -> str:
    """All lines but those of progress; where there is an error, that alone, without the program's name."""
    lines: list[bytes] = []
    with stream:
        for line in stream:
            word, *rest = line.rstrip().split(b" ", 3)
            if word == b"progress" and len(rest) == 3 and rest[0].isdigit() and rest[1].isdigit():
                progress(rest[2].decode(errors="replace"), int(rest[0]), int(rest[1]))
                continue
            if line.startswith(_PREFIX):
                lines.clear()
            lines.append(line.removeprefix(_PREFIX))
    return b"".join(lines).decode(errors="replace").strip()
