"""The lanes of a worker on this machine: each trains one run at a time, usually there is one."""

import logging
import threading
import time
from collections.abc import Callable

from ageui.store import BusyError, FullError, RunningRun, Store
from ageui.worker.lane import Lane, SharedDevice
from ageui.worker.supervisor import kill_engine

_SECONDS_BETWEEN_TRIES = 2.0
_LINGERING_SECONDS = 60.0

log = logging.getLogger("ageui.worker")


class LocalLanes:
    """The lanes on a device. The first works in the caller's thread, the others in threads of their own.

    `should_stop` is called a few times a second by the first lane.
    """

    def __init__(self, store: Store, device: SharedDevice, should_stop: Callable[[], bool]) -> None:
        self._store, self._device = store, device
        self._leaving = threading.Event()
        self._first = Lane(store, device, should_stop)
        self._others = [
            threading.Thread(target=self._work_beside, name=f"lane {number}") for number in range(2, device.lanes + 1)
        ]
        self._lingering_since: float | None = None

    def begin(self) -> None:
        for lane in self._others:
            lane.start()

    def rest(self) -> None:
        self._first.rest()

    def attend(self) -> bool:
        """Ends an engine that outlived an earlier worker. Returns False without one."""
        if not self._is_lingered_on():
            return False
        self._end_lingering_engine()
        return True

    def work(self) -> None:
        self._first.work()

    @property
    def are_busy(self) -> bool:
        return self._device.is_taken

    def forget_wait(self) -> None:
        self._first.forget_wait()

    def leave(self) -> None:
        self._first.leave()
        self.end_others()

    def end_others(self) -> None:
        self._leaving.set()
        for lane in self._others:
            if lane.is_alive():
                lane.join()

    def _work_beside(self) -> None:
        """A further lane, in a thread with its own database connection."""
        with Store.open(self._store.path, create=False) as store:
            lane = Lane(store, self._device, lambda: self._device.stop.is_set() or self._leaving.is_set())
            try:
                while not (self._device.stop.is_set() or self._leaving.is_set()):
                    try:
                        lane.work_beside()
                    except (BusyError, FullError) as error:
                        log.warning("%s", error)
                        self._leaving.wait(_SECONDS_BETWEEN_TRIES)
            except Exception:
                log.exception("a lane of this worker ended early; the others continue")
            finally:
                lane.leave()

    def _is_lingered_on(self) -> bool:
        """Whether an engine of an earlier worker of this database and device still runs.

        Only this worker could have started the run, but does not train it.
        """
        lingers = any(map(self._is_foreign, self._store.queue.running()))
        if not lingers:
            self._lingering_since = None
        return lingers

    def _end_lingering_engine(self) -> None:
        """Kills such an engine if it had enough time to leave by itself."""
        now = time.monotonic()
        self._lingering_since = self._lingering_since or now
        if now - self._lingering_since > _LINGERING_SECONDS:
            for run in self._store.queue.running():
                if self._is_foreign(run) and kill_engine(self._store, run.run_id):
                    log.warning("the engine of run %d outlived its worker and did not leave: killed", run.run_id)

    def _is_foreign(self, run: RunningRun) -> bool:
        return run.worker == self._device.name and run.run_id not in self._device.working
