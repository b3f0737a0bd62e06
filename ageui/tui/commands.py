"""Commands of ageui in a process of their own: what needs torch, pandas or decoded images stays out of this one."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how many items are done and how many there are."""

_PREFIX = "ageui: "
_MOST_BYTES_A_LINE = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it wrote on stdout, and its messages."""

    code: int
    out: str
    messages: str


async def run_command(arguments: list[str], db: Path, *, progress: Progress | None = None) -> Ended:
    """Runs `ageui ARGUMENTS` on a database; the names among them come after a `--`. Cancelled, it kills the command.

    `progress` hears what the hidden option --progress-lines prints.
    """
    options, dashes, names = _parted(arguments)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "ageui", *options, "--db", str(db.absolute()), *dashes, *names,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_MOST_BYTES_A_LINE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        out, messages = await asyncio.gather(process.stdout.read(), _messages(process.stderr, progress))
        return Ended(await process.wait(), out.decode(errors="replace"), messages)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _parted(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    if "--" not in arguments:
        return arguments, [], []
    place = arguments.index("--")
    return arguments[:place], ["--"], arguments[place + 1 :]


async def _messages(stream: asyncio.StreamReader, progress: Progress | None) -> str:
    """All lines but those of progress, without the program's name."""
    lines = []
    while line := (await stream.readline()).decode(errors="replace"):
        word, _, rest = line.rstrip("\n").partition(" ")
        parts = rest.split(" ", 2)
        if word == "progress" and len(parts) == 3 and parts[0].isdecimal() and parts[1].isdecimal():
            if progress is not None:
                progress(parts[2], int(parts[0]), int(parts[1]))
        else:
            lines.append(line.removeprefix(_PREFIX))
    return "".join(lines).strip()
