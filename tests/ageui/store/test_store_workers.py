"""What the rows of workers say."""

from ageui.store import Store


def test_rows_of_workers(store: Store) -> None:
    store.workers.started("cpu")
    store.workers.working_on("cpu", 3)
    store.workers.ask_to_stop("cpu")
    (row,) = store.workers.all()
    assert (row.device, row.run_id, row.stop_requested, row.ended_at) == ("cpu", 3, True, None)
    assert store.workers.is_asked_to_stop("cpu")
    assert not store.workers.is_asked_to_stop("cuda:0")
    store.workers.ended("cpu", "of another process", pid=1)
    assert store.workers.all() == [row]
    store.workers.ended("cpu", "nothing to do")
    (row,) = store.workers.all()
    assert (row.run_id, row.reason, row.ended_at is not None) == (None, "nothing to do", True)
    store.workers.started("cpu")
    (row,) = store.workers.all()
    assert (row.stop_requested, row.ended_at, row.reason) == (False, None, None)
