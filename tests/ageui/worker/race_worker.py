"""A worker with the fake engine, as a process: python race_worker.py DB DEVICE."""

import sys
from pathlib import Path

from worker_runs import FAKE

from ageui.store import Store
from ageui.worker.queue_worker import QueueWorker
from ageui.worker.worker_files import take_worker_lock


def main() -> None:
    with Store.open(Path(sys.argv[1]), create=False) as store:
        lock = take_worker_lock(store, sys.argv[2])
        assert lock is not None
        QueueWorker(store, sys.argv[2], is_default=True, policy=FAKE, idle_seconds=0.5).run(lock)


main()
