"""What the recorder leaves out of what an engine tells, and what it must not."""

import pytest
from worker_runs import claim_run, queue_run

from ageui.store import Store
from ageui.worker.event_recorder import EventRecorder
from engine.events import Event, Progressed, StageStarted, StepsEnded
from engine.wire import Message

STAGE = StageStarted(1, 1, 4, 10, 1000)
STEPS = StepsEnded(1, 1, 2, 40, ((1, 0.5), (2, 0.25)), 10.0, 5.0)


@pytest.mark.parametrize(
    ("events", "activity"),
    [
        ([Progressed("decoding images", 7300, 7525)], "decoding images 7300/7525"),
        ([Progressed("decoding images", 7525, 7525)], None),
        ([Progressed("decoding images", 7525, 7525), STAGE], None),
        ([Progressed("decoding images", 7525, 7525), Progressed("features", 1, 9), STAGE], "features 1/9"),
        ([Progressed("features", 1, 9), STEPS], None),
    ],
)
def test_work_that_is_finished_is_not_said_to_go_on(store: Store, events: list[Event], activity: str | None) -> None:
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    recorder = EventRecorder(store, claim)
    recorder.add(Message(1, 0, Progressed("decoding images", 100, 7525)))
    recorder.write()
    assert store.runs.get(run_id).summary.activity == "decoding images 100/7525"
    for number, event in enumerate(events, start=1):
        recorder.add(Message(1, number, event))
    recorder.write()
    assert store.runs.get(run_id).summary.activity == activity
    lock.release()
