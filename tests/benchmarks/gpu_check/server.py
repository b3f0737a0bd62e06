"""The process that measures: started once, and anew after a part that failed or ran out of time."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SERVE = Path(__file__).with_name("serve.py")
SHOWN = 300


class PartError(Exception):
    """A part failed; the message is for the table."""


class CutOff(PartError):
    """A part ran out of time."""


class Server:
    """Measures parts in a process of its own, whose errors and other output go to a log."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log, self._environment = log, environment
        self._process: subprocess.Popen[str] | None = None

    def measure(self, request: dict[str, Any], seconds: float, hear: Callable[[dict[str, Any]], None]) -> None:
        """Measures a part and hands on what it tells. Raises `PartError`, `CutOff` after `seconds`."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        cut_off = threading.Event()

        def cut() -> None:
            cut_off.set()
            _kill(process)

        timer = threading.Timer(seconds, cut)
        timer.start()
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                if "end" not in told:
                    hear(told)
                elif told["end"]:
                    raise PartError(told["end"])
                else:
                    return
            if cut_off.is_set():
                raise CutOff(f"cut off after {seconds:.0f} s")
            raise PartError(self._why_it_died(process))
        except PartError:
            self.close()
            raise
        finally:
            timer.cancel()
            if cut_off.is_set():  # perhaps just after the part's last word
                self.close()

    def close(self) -> None:
        """Ends the process, and all that it started."""
        if self._process is not None:
            _kill(self._process)
            self._process.wait()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, str(SERVE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
                start_new_session=True,
            )

    def _why_it_died(self, process: subprocess.Popen[str]) -> str:
        code, said = process.wait(), self._log.read_text(errors="replace").strip().rpartition("\n")[2]
        return f"its process ended with exit code {code}: {said[:SHOWN]}"


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
