"""Explains how an attempt ended, from the engine's last event and exit code, with advice for people."""

import signal
from dataclasses import dataclass
from typing import Literal

from engine.config import RunConfig
from engine.events import RunEnded, RunFailed
from engine.memory_advice import smaller
from engine.wire import EXIT_STOPPED

EndingKind = Literal["ended", "stopped", "failed", "crashed"]


@dataclass(frozen=True)
class Ending:
    """The ending of an attempt.

    kind
        `ended`: the run is over, and `status` is done or diverged. `stopped`: the engine wrote a checkpoint and left.
        `failed`: a person must change something first. `crashed`: the process died; another attempt may succeed.
    reason
        The reason, for people.
    failure
        The short name of a failure.
    exit_code
        The exit code of a command that waited for the attempt.
    """

    kind: EndingKind
    status: str
    reason: str = ""
    failure: str | None = None
    exit_code: int = 0


_SIGNALS: dict[int, tuple[str, str]] = {
    signal.SIGSEGV: ("segmentation_fault", "a segmentation fault in native code"),
    signal.SIGABRT: ("aborted", "an abort in native code"),
    signal.SIGBUS: ("bus_error", "a bus error: memory that could not be read, such as a file whose disk is gone"),
    signal.SIGILL: ("illegal_instruction", "an instruction that this processor lacks"),
    signal.SIGFPE: ("arithmetic_error", "an arithmetic error in native code"),
}  # fmt: skip


def ending_of(
    code: int,
    last: RunEnded | RunFailed | None,
    *,
    was_asked: bool,
    oom_kills: int,
    run_id: int,
    config: RunConfig,
    told: Ending | None = None,
) -> Ending:
    """The ending of an attempt whose process exited with `code` after its `last` event.

    `was_asked` says whether it was asked to leave. `oom_kills` counts the processes that the system killed for lack of
    memory during the attempt. `config` is the run's. `told` is the ending by its place, if that can tell.
    """
    if isinstance(last, RunEnded) and last.outcome != "interrupted":
        return Ending("ended", last.outcome, last.reason, exit_code=int(last.outcome != "done"))
    if isinstance(last, RunFailed):
        return Ending("failed", "failed", last.message, last.failure, last.exit_code)
    if was_asked:
        return Ending("stopped", "interrupted", "stopped by request", exit_code=130)
    if told is not None:
        return told
    if isinstance(last, RunEnded) or code == EXIT_STOPPED:
        reason = "another program asked the engine process to stop (SIGTERM)"
        return Ending("crashed", "interrupted", reason, "terminated", 130)
    log = f"its log may say more: ageui logs {run_id}"
    if code >= 0:
        reason = f"the engine's process exited with code {code} without reporting a result; {log}"
        return Ending("failed", "failed", reason, "protocol", 1)
    if -code == signal.SIGKILL and oom_kills > 0:
        reason = (
            "killed, probably by the system because the machine ran out of memory; close other programs, or "
            f"{smaller(config)}"
        )
        return Ending("crashed", "failed", reason, "oom_killed", 4)
    name, words = _SIGNALS.get(-code, ("killed", f"killed by signal {-code} ({signal.strsignal(-code) or 'unknown'})"))
    return Ending("crashed", "failed", f"the engine process died: {words}; {log}", name, 1)
