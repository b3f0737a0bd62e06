"""The first line of every screen says what the queue waits for."""

from typing import Any

import pytest
from pilot import screen_text, until, use
from store_rows import queued
from textual.pilot import Pilot

from ageui.devices import device_lock_file
from ageui.files.locks import Lock
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.worker.worker_files import take_worker_lock

pytestmark = pytest.mark.app


def test_a_queue_that_waits_says_for_what(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        async def first_line_has(text: str) -> None:
            app._check_queue()
            await until(pilot, lambda: text in screen_text(app).splitlines()[0], text)

        await first_line_has("! no worker, W starts one · 0 running · 1 queued")
        store.workers.register("cpu")
        worker = take_worker_lock(store, "cpu")
        device = Lock.take(device_lock_file("cpu"), {"run": 3, "name": "heron", "db": "/some/runs-b.db"})
        assert worker is not None
        assert device is not None
        store.workers.set_work("cpu", None, "run 3 (heron) of /some/runs-b.db")
        await first_line_has("waits: cpu, runs-b.db · 0 running · 1 queued")
        store.queue.pause_queue("the disk is full")
        await first_line_has("⏸ paused: the disk is full, H resumes")
        store.queue.resume_queue()
        device.release()
        store.workers.set_work("cpu", None)
        await until(pilot, lambda: screen_text(app).splitlines()[0].endswith("   0 running · 1 queued"), "it moves")
        worker.release()

    use(store, scenario, size=(80, 24))
