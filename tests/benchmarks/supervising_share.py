"""What writing and supervising cost of a run's wall time. Run: python tests/benchmarks/supervising_share.py [REPEATS]

The same run, on the built-in faces with epochs of a second or longer, is trained by the engine's process under a worker
and by one whose events go nowhere, in turn. Three figures: the processor time of the watching process, the time that
the engine itself spends on telling events and on checkpoints, each as a share of the run's wall time, and the ratio of
both wall times, which is as noisy as the machine.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ageui.files.locks import Lock
from ageui.store import Claimant, Store
from ageui.worker.places.engine_child import ENGINE
from ageui.worker.places.local import Engines
from ageui.worker.supervisor import Policy, Supervisor
from engine.config import PRESETS, RunConfig, build_config
from engine.data.spec import BUILT_IN
from engine.events import EpochEnded, Event, RunEnded
from engine.request import RunRequest
from engine.wire import EXIT_STOPPED

CONFIG = build_config({**PRESETS["quick"], "epochs": 8, "patience": None, "device": "cpu"})

# Put before the engine's own code: counts the seconds spent on telling and on checkpoints, and logs them after the run.
COUNTING = """
import sys, time
if "--events" in sys.orig_argv:
    import engine.__main__ as process
    import engine.checkpoint_writer as checkpoint_writer
    import engine.train as training
    spent = {"telling": 0.0, "checkpoints": 0.0}

    def counted(function, what):
        def call(*arguments):
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                spent[what] += time.perf_counter() - begin
        return call

    checkpoint_writer.save_state = counted(checkpoint_writer.save_state, "checkpoints")
    real = training.train

    def train(request, *, emit, should_stop):
        ended = real(request, emit=counted(emit, "telling"), should_stop=should_stop)
        sys.stderr.write(f"SPENT {spent['telling']} {spent['checkpoints']}\\n")
        return ended

    training.train = train
"""


@dataclass
class Measured:
    seconds: float
    epoch_seconds: float = 0.0
    watching: float = 0.0
    telling: float = 0.0
    checkpoints: float = 0.0


def watched(folder: Path, config: RunConfig) -> Measured:
    seen: list[Event] = []
    with Store.open(folder / "runs.db") as store:
        run_id = store.runs.add(config, BUILT_IN, name=None)
        locks: list[Lock] = []

        def hold(run_id: int) -> bool:
            lock = Lock.take(store.run_lock_file(run_id))
            locks.extend([lock] if lock else [])
            return lock is not None

        claim = store.queue.claim(run_id, Claimant("cpu", "cpu"), hold)
        assert claim is not None
        begin = time.process_time()
        engines = Engines()
        outcome = Supervisor(
            store, claim, device="cpu", locks=locks, policy=Policy(), place=engines, emit=seen.append
        ).run()
        watching = time.process_time() - begin
        assert outcome.status == "done"
        log = (store.run_folder(run_id) / "log.1.txt").read_text()
        locks[0].release()
        engines.close()
    telling, checkpoints = (float(word) for word in log.rpartition("SPENT ")[2].split())
    ended = next(event for event in seen if isinstance(event, RunEnded))
    epochs = [event.seconds for event in seen if isinstance(event, EpochEnded)]
    return Measured(ended.seconds, statistics.mean(epochs), watching, telling, checkpoints)


def alone(folder: Path, config: RunConfig) -> Measured:
    """The same process, whose events are read and dropped, and no checkpoint but that of the end."""
    request = RunRequest(config=config, spec=BUILT_IN, folder=folder, device="cpu", checkpoint_seconds=1e6)
    read, write = os.pipe()
    with (folder / "log").open("wb") as log, os.fdopen(read, "rb") as events:
        process = subprocess.Popen(
            [*ENGINE, "--events", str(write)], stdin=subprocess.PIPE, stderr=log, pass_fds=[write]
        )
        os.close(write)
        assert process.stdin is not None
        process.stdin.write(request.line())
        process.stdin.flush()
        while b'"Released"' not in events.readline():
            pass
        process.stdin.close()
        assert process.wait() == EXIT_STOPPED
    text = (folder / "log").read_text()
    return Measured(float(text.partition("done after ")[2].split()[0]))


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    under, bare = [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        patch = Path(name) / "patch"
        patch.mkdir()
        (patch / "sitecustomize.py").write_text(COUNTING)
        os.environ["PYTHONPATH"] = str(patch)
        for repeat in range(repeats + 1):  # the first one fills the cache
            for measure, found in ((watched, under), (alone, bare)):
                folder = Path(name) / f"{measure.__name__}-{repeat}"
                folder.mkdir()
                found.append(measure(folder, CONFIG))
    under, bare = under[1:], bare[1:]
    epoch = statistics.median(one.epoch_seconds for one in under)
    print(f"{repeats} runs of {CONFIG.epochs[0]} epochs of {epoch:.2f} s, {under[0].seconds:.0f} s in all")
    parts = ("watching", "telling", "checkpoints")
    shares = {what: [getattr(one, what) / one.seconds for one in under] for what in parts}
    shares["together"] = [sum(run) for run in zip(*shares.values(), strict=True)]
    for what, found in shares.items():
        print(
            f"{what:12} {statistics.median(found):7.2%} of the run's wall time ({min(found):.2%} to {max(found):.2%})"
        )
    ratios = [one.seconds / other.seconds for one, other in zip(under, bare, strict=True)]
    print(f"wall time under a worker / alone: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
