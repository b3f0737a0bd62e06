"""Runs shell commands one after another, each with a time limit: `python -I -S timed_commands.py`, jobs on stdin.

It is a separate process that outlives its starter, so that no command is lost or left running with it. It imports
nothing of this program, which would take longer than most commands. Exits with 1 if a command failed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time


def main() -> int:
    with sys.stdin:
        jobs = json.load(sys.stdin)
    return int(any([not _run(**job) for job in jobs]))


def _run(what: str, command: str, folder: str, variables: dict[str, str], seconds: float) -> bool:
    """Runs a command in its own process group. Returns whether it succeeded; if not, writes the reason."""
    own = ("AGEUI_RUN_", "AGEUI_MESSAGE_LINES")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder if os.path.isdir(folder) else "/",
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        _say(f"{what} could not be started: {error}")
        return False
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):  # it became another user's
            os.killpg(process.pid, signal.SIGKILL)
        _say(f"{what} was killed, because it did not end within {seconds:g} seconds")
        return False
    if code != 0:
        _say(f"{what} {f'exited with code {code}' if code > 0 else f'was killed by signal {-code}'}")
    return code == 0


def _say(sentence: str) -> None:
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {sentence}\n"
    os.write(sys.stderr.fileno(), line.encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
