"""What the rows of workers say."""

from store_rows import claimed, queued

from ageui.store import Store


def test_a_worker_row_names_the_claimed_run(store: Store) -> None:
    run_id, mine = queued(store), queued(store)
    for device in ("cpu", "cuda:0"):
        store.workers.register(device)
    store.workers.set_work("cpu", None, "another run")
    assert claimed(store, mine, worker=None) == 1
    assert [row.run_id for row in store.workers.all()] == [None, None]
    assert claimed(store, run_id) == 1
    assert [(row.run_id, row.waiting_for) for row in store.workers.all()] == [(run_id, None), (None, None)]


def test_rows_of_workers(store: Store) -> None:
    store.workers.register("cpu")
    store.workers.set_work("cpu", 3)
    store.workers.ask_to_stop("cpu")
    (row,) = store.workers.all()
    assert (row.device, row.run_id, row.stop_requested, row.ended_at) == ("cpu", 3, True, None)
    assert store.workers.is_asked_to_stop("cpu")
    assert not store.workers.is_asked_to_stop("cuda:0")
    store.workers.end("cpu", "of another process", pid=1)
    assert store.workers.all() == [row]
    store.workers.end("cpu", "nothing to do")
    (row,) = store.workers.all()
    assert (row.run_id, row.reason, row.ended_at is not None) == (None, "nothing to do", True)
    store.workers.register("cpu")
    (row,) = store.workers.all()
    assert (row.stop_requested, row.ended_at, row.reason) == (False, None, None)
