"""The worker's process, detached from every terminal: `python -P -m ageui.worker --db FILE --device DEVICE`.

Writes one line to the file descriptor READY: that it has started, or the reason why it could not.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from ageui.devices import is_cluster
from ageui.store import Store
from ageui.worker.background_workers import STARTED
from ageui.worker.places.slurm import ClusterOptions
from ageui.worker.queue_worker import QueueWorker
from ageui.worker.supervisor import Policy
from ageui.worker.worker_files import take_worker_lock
from engine.errors import AgeUIError, StoreError


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S", level=logging.INFO)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        with Store.open(arguments.db, create=False) as store:
            lock = take_worker_lock(store, arguments.device)
            if lock is None:
                raise StoreError(f"{store.path} already has a worker on {arguments.device}")
            worker = QueueWorker(
                store,
                arguments.device,
                is_default=arguments.default,
                policy=Policy(checkpoint_seconds=arguments.checkpoint_seconds, data_root=arguments.data_root),
                idle_seconds=arguments.idle_seconds,
                parallel=arguments.parallel,
                cluster=ClusterOptions.of(arguments.device, arguments.sbatch) if is_cluster(arguments.device) else None,
            )
            # In a thread, because the signal may arrive while this thread holds the lock of the event that `stop` sets.
            signal.signal(signal.SIGTERM, lambda number, frame: threading.Thread(target=worker.stop).start())
            worker.run(lock, on_start=lambda: _say(arguments.ready, STARTED))
    except AgeUIError as error:
        logging.error("%s", error)
        _say(arguments.ready, f"{error}\n".encode("utf-8", "replace"))
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ageui.worker", description="Started by: ageui worker start")
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--device", required=True, help="cpu, cuda:N or slurm[:PARTITION]")
    parser.add_argument("--default", action="store_true", help="also take runs without a named device")
    parser.add_argument("--checkpoint-seconds", type=float, default=Policy.checkpoint_seconds)
    parser.add_argument("--idle-seconds", type=float, required=True, help="leave after this time without work")
    parser.add_argument("--parallel", type=int, default=1, help="train this many runs at once")
    parser.add_argument("--sbatch", action="append", default=[], metavar="KEY=VALUE", help="option of Slurm's jobs")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="folder of the data sets on the nodes")
    parser.add_argument("--ready", type=int, metavar="FD", help="file descriptor that receives news of the start")
    return parser.parse_args()


def _say(descriptor: int | None, content: bytes) -> None:
    if descriptor is None:
        return
    try:
        os.write(descriptor, content)
        os.close(descriptor)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
