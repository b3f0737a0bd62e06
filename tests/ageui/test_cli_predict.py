"""Ages read from images with a trained run's weights."""

from typing import Any

import pytest
from store_rows import best, claimed, end, epoch, running
from terminal import Terminal

import engine.predict
from ageui.store import Store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings that ages were predicted with."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(engine.predict, "predict_files", lambda weights, images, **how: seen.append(how) or [])
    return seen


def test_predictions_use_the_arithmetic_of_the_newest_attempt(
    ageui: Terminal, store: Store, asked: list[dict[str, Any]]
) -> None:
    run_id, attempt = running(store)
    for dtype in ("fp32", "bf16"):
        with store.writing(run_id, attempt) as writer:
            writer.started({"dtype": dtype})
            writer.epoch(epoch())
            writer.checkpoint(best(10))
        end(store, run_id, attempt, "failed", "broken")
        store.queue.retry(run_id)
        attempt = claimed(store, run_id) or 0
    assert ageui("predict", "face.png", "--run", str(run_id)).code == 0
    assert [how["precision"] for how in asked] == ["bf16"]
