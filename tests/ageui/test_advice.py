"""Commands advise what helps in the state of a run or a command."""

from types import SimpleNamespace

import pytest
from store_rows import end, queued, running
from terminal import Terminal

from ageui.console.foreground_training import how_to_resume
from ageui.store import Store
from ageui.worker import foreground
from ageui.worker.places.local import Engines
from ageui.worker.supervisor import Policy
from engine.events import CheckpointWritten


def test_only_a_run_with_a_checkpoint_is_advised_to_go_on_from_it(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.stop("interrupted", "stopped by request")
    assert how_to_resume(store, run_id).startswith(f"it has no checkpoint; to start over: ageui resume {run_id} --here")
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.checkpoint(CheckpointWritten("state", "state-3.pt", 1, 3, "ab", 7))
        writer.stop("interrupted", "stopped by request")
    assert how_to_resume(store, run_id).startswith(
        f"to continue from its last checkpoint: ageui resume {run_id} --here"
    )


@pytest.mark.parametrize(("share", "offers"), [(False, True), (None, False)])
def test_only_commands_that_can_share_a_device_offer_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, share: bool | None, offers: bool
) -> None:
    said: list[str] = []
    engines = Engines()
    engines.start_ahead()
    ahead = engines._kept
    assert ahead is not None

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(foreground, "time", SimpleNamespace(sleep=stop))
    monkeypatch.setattr(foreground, "take_device", lambda device: None)
    with (
        pytest.raises(KeyboardInterrupt),
        foreground.in_foreground(store, "cpu", policy=Policy(), engines=engines, share=share, say=said.append),
    ):
        pass
    assert ["--share" in text for text in said] == [offers]
    assert not ahead.process.is_alive()  # its memory is free for the run that computes


@pytest.mark.usefixtures("no_network_checks")
def test_a_refusal_names_the_command_that_the_status_allows(store: Store, ageui: Terminal) -> None:
    run_id = queued(store)
    store.queue.pause([run_id])
    assert f"try: ageui resume {run_id}" in ageui("retry", str(run_id)).err
    diverged, attempt = running(store)
    end(store, diverged, attempt, "diverged", "the loss was not finite in epoch 1; choose another --loss")
    refused = ageui("retry", str(diverged)).err
    assert "--lr" not in refused
    assert f"the changes that ageui show {diverged} advises" in refused
    assert "choose another --loss" in ageui("show", str(diverged)).out


def test_the_built_in_faces_cannot_be_replaced(ageui: Terminal) -> None:
    (ageui.folder / "t.csv").write_text("image,age\na.jpg,3\n")
    refused = ageui("data", "add", "synthetic", "t.csv")
    assert refused.code == 2
    assert "choose another name" in refused.err
    assert "--replace" not in refused.err
