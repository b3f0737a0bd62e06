"""The three lines at the top of a run's screen, at every width."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pilot import HOSTILE, alive, done
from store_rows import config, end, epoch, epoch_scores, evaluated, queued, running, steps

from ageui.planning.queue_places import QueuePlace
from ageui.store import PublishedRun, Store
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.queue_state import QueueState, waiting_text
from ageui.tui.run.header import Head, settings_text
from ageui.tui.tones import tone_styles
from engine.data.spec import BUILT_IN
from engine.events import Evaluated

STYLES = tone_styles({})
LOADS = (DeviceLoad("cpu", 0.5, 2 << 30, 8 << 30),)


def head_of(store: Store, run_id: int, waiting: str = "") -> Head:
    detail = store.runs.detail(run_id)
    return Head(detail, detail.primary_scores, waiting, LOADS, "1.07 GB, measured by run 1")


def texts(head: Head, width: int) -> tuple[str, str, str]:
    first, second, third = (line.plain for line in head.lines(width, STYLES))
    return first, second, third


def scored_on_all(mae: float = 6.67) -> Evaluated:
    one = evaluated("valid", selected_on="valid")
    names = ("gender", "ethnicity", "expression", "age")
    biases = tuple(
        replace(one.result.biases[0], attribute=name, value=10.25, p_value=0.5 if name == "age" else 0.01)
        for name in names
    )
    return replace(one, result=replace(one.result, mae=mae, biases=biases))


def test_all_five_figures_fit_80_columns(store: Store) -> None:
    run_id, attempt = running(store, "full")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.evaluated(scored_on_all(), "apparent", "synthetic")
        writer.end("done", "")
    head = head_of(store, run_id)
    assert texts(head, 78)[2] == "MAE 6.67  gender 10.25  expression 10.25  ethnicity 10.25  age 10.25~  valid"
    assert texts(head, 120)[2].endswith("valid  selected  MAE 5.00–7.00")
    assert texts(head, 60)[2].startswith("MAE 6.67 gend. 10.25 expr. 10.25")
    assert texts(head, 78)[0].startswith("✓ done  full  1/8 epochs")
    assert "kept epoch 1" in texts(head, 78)[0]


def test_a_running_run_shows_its_progress_at_the_right_edge(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going", weights="gender")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, 0.5), (40, 0.25)))
        writer.epoch(epoch(1, val_mae=9.125, scores=epoch_scores(9.125)))
    state, settings, figures = texts(head_of(store, run_id), 118)
    assert len(state) == 118
    assert "1/8 ▓░░░░░░░░░     0:12 left  val MAE  9.12 ▁" in state
    assert settings.startswith("mse · weights gender · lr 5e-4 · batch 32 · adam · resnet18@layer3 · 64 px · seed 0")
    assert figures == "MAE 9.12  gender 0.50  age 12.00  valid  epoch 1"
    narrow = texts(head_of(store, run_id), 78)[0]
    assert narrow.startswith("▶ running  going")
    assert "1/8 ▓░░░░░     0:12 left  val MAE  9.12 ▁" in narrow
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(2, val_mae=10.5, scores=epoch_scores(10.5)))
    after = texts(head_of(store, run_id), 118)[0]
    assert [after.index(word) for word in ("▓", "left", "val MAE")] == [
        state.index(word) for word in ("▓", "left", "val MAE")
    ], "nothing moves"


def test_settings_are_named_and_equal_rates_of_stages_given_once() -> None:
    frozen = config(strategy="freeze", init="random", epochs="3,3", lr="1e-5,3e-4").model_dump(mode="json")
    assert "lr 1e-5,3e-4 · batch 32" in settings_text(frozen, 200)
    assert "lr 0.05" in settings_text(config(lr="0.05").model_dump(mode="json"), 200)
    assert settings_text(frozen, 30) == "mse · weights none"


@pytest.mark.parametrize("name", [HOSTILE[0], HOSTILE[1], HOSTILE[-1]])
def test_every_line_fits_every_width(store: Store, name: str) -> None:
    failed, attempt = running(store, name)
    end(store, failed, attempt, "failed", f"{name}\x1b[31m")
    store.edits.set_tags(failed, ("[/]", "x" * 30))
    heads = [head_of(store, failed), head_of(store, done(store, f"{name}2")), head_of(store, queued(store), "9th")]
    heads.append(head_of(store, alive(store, f"{name}3")[0]))
    for width in range(20, 201, 5):
        for head in heads:
            assert all(line.cell_len <= width for line in head.lines(width, STYLES)), width
    assert name[:10] in texts(heads[0], 200)[0]


def test_a_published_run_shows_its_figures(store: Store) -> None:
    store.scores.publish([PublishedRun("report/x", config(), BUILT_IN, {"mae": 11.65, "gender": 0.37}, "")])
    state, _, figures = texts(head_of(store, store.runs.find_one("report/x")), 78)
    assert state.startswith("◆ published  report/x")
    assert figures == "MAE 11.65  gender 0.37  expression —  ethnicity —  age —  ◆ published"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state, "2nd, starts in 2:10"),
        (lambda state: replace(state, pause_reason="by the user"), "2nd, paused, H resumes"),
        (lambda state: replace(state, pause_reason="disk full"), "2nd, paused: disk full, H resumes"),
        (lambda state: replace(state, unserved=("cpu",)), "2nd, no worker, W starts one"),
        (lambda state: replace(state, unserved=("cuda",), running=frozenset([1])), "2nd, starts in 2:10"),
        (lambda state: replace(state, waits=("cpu, other.db",)), "2nd, waits: cpu, other.db"),
        (lambda state: QueueState(), ""),
    ],
)
def test_a_queued_run_shows_its_place_and_wait(change: Callable[[QueueState], QueueState], said: str) -> None:
    state = change(QueueState(places={7: QueuePlace(2, 130.0)}))
    assert waiting_text(state, 7) == said
    assert waiting_text(state, 8) == waiting_text(None, 7) == ""


def test_the_wait_of_a_queued_run_stands_in_its_head(store: Store) -> None:
    run_id = queued(store, "patient")
    state: Any = QueueState(places={run_id: QueuePlace(1)})
    assert texts(head_of(store, run_id, waiting_text(state, run_id)), 78)[0] == "· queued  patient  1st"
