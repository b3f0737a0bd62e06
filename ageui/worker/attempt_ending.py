"""How an attempt ended: the engine's last word and its process's exit code, turned into a name and advice."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.events import RunEnded, RunFailed
from engine.wire import EXIT_STOPPED

Kind = Literal["ended", "stopped", "failed", "crashed"]


@dataclass(frozen=True)
class Ending:
    """`ended`: `status` is done or diverged. `stopped`: it wrote a checkpoint and left. `failed`: a person has to
    change something first. `crashed`: its process died, and another attempt may get further.

    `failure` is the short name of a failure, `reason` what people are told, `exit_code` that of a command which ends
    with it.
    """

    kind: Kind
    status: str
    reason: str = ""
    failure: str | None = None
    exit_code: int = 0


_SIGNALS: dict[int, tuple[str, str]] = {
    signal.SIGSEGV: ("segmentation_fault", "a segmentation fault in native code"),
    signal.SIGABRT: ("aborted", "an abort in native code"),
    signal.SIGBUS: ("bus_error", "a bus error: memory that could not be read, as of a file whose disk is gone"),
    signal.SIGILL: ("illegal_instruction", "an instruction that this processor does not have"),
    signal.SIGFPE: ("arithmetic_error", "an arithmetic error in native code"),
}  # fmt: skip


def ending_of(code: int, last: RunEnded | RunFailed | None, *, was_asked: bool, oom_kills: int, run_id: int) -> Ending:
    """The ending of a process with this exit code, whose last event was `last`.

    `was_asked`: it had been asked to leave. `oom_kills` processes were killed by the system for memory meanwhile.
    """
    if isinstance(last, RunEnded) and last.outcome != "interrupted":
        return Ending("ended", last.outcome, last.reason, exit_code=int(last.outcome != "done"))
    if isinstance(last, RunFailed):
        return Ending("failed", "failed", last.message, last.failure, last.exit_code)
    if was_asked:
        return Ending("stopped", "interrupted", "stopped by request", exit_code=130)
    if isinstance(last, RunEnded) or code == EXIT_STOPPED:
        reason = "another program asked the engine's process to leave (SIGTERM)"
        return Ending("crashed", "interrupted", reason, "terminated", 130)
    log = f"its log may say more: ageui logs {run_id}"
    if code >= 0:
        reason = f"the engine's process ended with exit code {code} and without a last word; {log}"
        return Ending("failed", "failed", reason, "protocol", 1)
    if -code == signal.SIGKILL and oom_kills > 0:
        reason = (
            "killed, probably by the system because the machine ran out of memory; close other programs, or choose a "
            "smaller --batch, --size or --backbone"
        )
        return Ending("crashed", "failed", reason, "oom_killed", 4)
    name, told = _SIGNALS.get(-code, ("killed", f"killed by signal {-code} ({signal.strsignal(-code) or 'unknown'})"))
    return Ending("crashed", "failed", f"the engine's process died: {told}; {log}", name, 1)


def oom_kills() -> int:
    """How often the system killed a process of this control group, or machine, for memory; 0 where it won't tell."""
    for file in (*_group_files(), Path("/proc/vmstat")):
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        counts = [int(line.split()[1]) for line in lines if line.startswith("oom_kill ")]
        if counts:
            return counts[0]
    return 0


def _group_files() -> list[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    groups = [line.removeprefix("0::/") for line in lines if line.startswith("0::")]
    return [Path("/sys/fs/cgroup", group, "memory.events") for group in groups]
