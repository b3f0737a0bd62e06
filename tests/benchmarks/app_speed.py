"""How fast and how large the application is, in a real terminal: python tests/benchmarks/app_speed.py [--no-training]

A database of 10,000 runs and 1,000,000 points is opened in a pseudo terminal of 160 x 50 cells, as `ageui` opens it:

- first paint: from the start of the process until a run of the table is on the screen, less what starting Python takes;
- a key: from the key's byte until the first bytes that answer it, also with seeds folded and rows grouped;
- the same in a comparison of the shipped measured runs;
- memory: resident set of the process;
- idle CPU: share of one core that the application takes while a run trains in the background.
"""

import os
import pty
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

import psutil

from ageui.store import Claimant, NewRun, Store
from ageui.store.sqlite import driver
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.events import EpochEnded, StepsEnded

RUNS, SEEDS, CURVES, POINTS, KEYS, STARTS = 10_000, 5, 100, 10_000, 300, 5
COLUMNS, LINES = 160, 50
SECONDS_WATCHED = 15.0
SHIPPED = Path(__file__).parents[2] / "runs.db"


PAGE_DOWN, PAGE_UP = b"\x1b[6~", b"\x1b[5~"


class Terminal:
    """A program in a pseudo terminal."""

    def __init__(self, *command: str, folder: Path) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, pack("HHHH", LINES, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": str(folder)}
        environment |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder)
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What it writes next; nothing where it writes nothing in that time."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        return os.read(self._master, 1 << 20) if ready else b""

    def read_until(self, text: bytes, seconds: float = 60.0) -> bytes:
        seen, end = b"", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < end, f"{text!r} never came: {seen[-2000:]!r}"
            seen += self.read(1.0)
        return seen

    def settle(self, seconds: float = 0.3) -> None:
        """Until nothing was written for some time."""
        while self.read(seconds):
            pass

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        with suppress(OSError):
            os.close(self._master)


def fill(path: Path) -> None:
    configs = (build_config({**PRESETS["quick"], "lr": f"{1 + n // SEEDS}e-7", "seed": n % SEEDS}) for n in range(RUNS))
    with Store.open(path) as store:
        ids = store.runs.add_many([NewRun(config, BUILT_IN, f"run-{n}") for n, config in enumerate(configs)])
        for run_id in ids[-CURVES:]:
            claim = store.queue.claim(run_id, Claimant("cpu", "cpu"), lambda run_id: True)
            assert claim is not None
            losses = tuple((step, 1.0 / step) for step in range(1, POINTS + 1))
            with store.writing(run_id, claim.attempt) as writer:
                writer.steps(StepsEnded(1, 1, POINTS, POINTS, losses, 900.0, 1.0))
                for epoch in range(1, 9):
                    loss = 1.0 / epoch
                    ended = EpochEnded(1, epoch, epoch * POINTS // 8, loss, loss, 6.0, 1e-4, 2.0, 900.0, True)
                    writer.epoch(ended)
                writer.end("done", "")
    connection = driver().connect(str(path))
    connection.execute("UPDATE run SET status = 'done', ended_at = created_at WHERE status = 'queued'")
    connection.commit()
    connection.close()


def first_paints(path: Path) -> list[float]:
    """Seconds from the start until the newest run is on the screen, of several starts."""
    found = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        terminal = Terminal(sys.executable, "-m", "ageui", "--db", str(path), folder=path.parent)
        terminal.read_until(f"run-{RUNS - 1}".encode())
        found.append(time.perf_counter() - begin)
        terminal.close()
    return found


def interpreter_starts() -> list[float]:
    found = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        found.append(time.perf_counter() - begin)
    return found


def keys(terminal: Terminal, key: bytes, count: int, back: bytes | None = None) -> list[float]:
    """Seconds from a key to the first bytes that answer it. After every ten, `back` takes turns with it: at the end of
    a table nothing would answer."""
    found = []
    for number in range(count):
        terminal.settle(0.05)
        begin = time.perf_counter()
        terminal.press(back if back is not None and number // 10 % 2 else key)
        terminal.read(5.0)
        found.append(time.perf_counter() - begin)
    return found


def tell(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    print(f"{what:36} median {statistics.median(seconds) * 1000:7.1f} ms, p99 {p99 * 1000:7.1f} ms, n = {len(seconds)}")


def in_use(path: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "ageui", "--db", str(path), folder=path.parent)
    try:
        terminal.read_until(f"run-{RUNS - 1}".encode())
        terminal.settle()
        tell("key: down", keys(terminal, b"j", KEYS))
        tell("key: page down", keys(terminal, PAGE_DOWN, KEYS // 3, PAGE_UP))
        for what, arrange in (("folded", (b"f",)), ("folded and grouped", (b"b", b"\x1b[B", b"\r"))):
            for key in (*arrange, b"\x1b[H"):
                terminal.press(key)
                terminal.settle(2.0)
            tell(f"key: down, {what}", keys(terminal, b"j", KEYS // 3))
            tell(f"key: page down, {what}", keys(terminal, PAGE_DOWN, KEYS // 3, PAGE_UP))
        for key in (b"f", b"b", b"\x1b[H", b"\r", b"\x1b[H"):
            terminal.press(key)
            terminal.settle(2.0)
        terminal.press(b"\r")
        terminal.read_until("› run-".encode())
        terminal.settle()
        tell("key: next axis of a curve", keys(terminal, b"e", KEYS // 6))
        terminal.press(b"\x1b")
        terminal.settle()
        memory = psutil.Process(terminal.process.pid).memory_info().rss
        print(f"{'resident memory':36} {memory / 1e6:.0f} MB")
    finally:
        terminal.close()


def compared(path: Path) -> None:
    """All measured runs that are shipped, folded and then one by one, after their intervals are computed."""
    shutil.copy(SHIPPED, path)
    terminal = Terminal(sys.executable, "-m", "ageui", "--db", str(path), folder=path.parent)
    try:
        terminal.read_until(b"253 runs")
        terminal.settle()
        for typed in (b"/", b"source=measured", b"\r", b"\x01"):
            terminal.press(typed)
            _drain(terminal, 2.0)
        begin = time.perf_counter()
        terminal.press(b"c")
        terminal.read_until(b"setting")
        print(f"{'comparison opens':28} {(time.perf_counter() - begin) * 1000:.0f} ms")
        _drain(terminal, SECONDS_WATCHED)
        terminal.press(b"s")
        terminal.settle()
        terminal.press(b"\x1b[B\x1b[B\r")
        for what in ("folded", "one by one"):
            _drain(terminal, SECONDS_WATCHED)
            tell(f"key: down and up, {what}", keys(terminal, b"j", 20) + keys(terminal, b"k", 20))
            tell(f"key: reverse, {what}", keys(terminal, b"S", KEYS // 10))
            terminal.press(b"f")
    finally:
        terminal.close()


def while_training(path: Path) -> None:
    """The table of runs and one run's screen, each watched while that run trains."""
    command = [
        sys.executable,
        "-m",
        "ageui",
        "run",
        "--detach",
        "--preset",
        "quick",
        "--epochs",
        "500",
        "--db",
        str(path),
    ]
    command += ["--data", "synthetic", "--set", "patience=500"]
    environment = {**os.environ, "XDG_STATE_HOME": str(path.parent / "state")}
    run_id = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()
    terminal = Terminal(sys.executable, "-m", "ageui", "--db", str(path), folder=path.parent)
    try:
        terminal.read_until(b"/500", 300.0)
        for what, key in (("runs, while one trains", b""), ("the run that trains", b"\r")):
            terminal.press(key)
            _drain(terminal, 5.0)
            app = psutil.Process(terminal.process.pid)
            before, begin = app.cpu_times(), time.monotonic()
            written = _drain(terminal, SECONDS_WATCHED)
            after, passed = app.cpu_times(), time.monotonic() - begin
            share = (after.user + after.system - before.user - before.system) / passed
            print(f"{'CPU, ' + what:28} {share:.1%} of a core, {written / passed:.1f} writes/s")
    finally:
        terminal.close()
        for arguments in (["cancel", "--now", run_id], ["worker", "stop"]):
            subprocess.run(
                [sys.executable, "-m", "ageui", *arguments, "--db", str(path)], check=False, env=environment,
                capture_output=True,
            )  # fmt: skip


def _drain(terminal: Terminal, seconds: float) -> int:
    """Reads for some time; how many writes there were."""
    end, count = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        count += bool(terminal.read(left))
    return count


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        fill(path)
        print(f"load average {os.getloadavg()[0]:.1f}, {RUNS:,} runs, {CURVES * POINTS:,} points")
        starts, interpreter = first_paints(path), statistics.median(interpreter_starts())
        tell("first paint", starts)
        tell("  beyond the interpreter's", [start - interpreter for start in starts])
        in_use(path)
        compared(Path(folder) / "compared.db")
        if "--no-training" not in sys.argv:
            while_training(path)


if __name__ == "__main__":
    main()
