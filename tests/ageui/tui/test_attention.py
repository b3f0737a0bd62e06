"""The terminal's bell and title, which tell of ends."""

from pathlib import Path
from typing import Any

import pytest
from pilot import HOSTILE, alive, done, messages, press, until, use
from store_rows import end, queued
from textual.pilot import Pilot

from ageui.files.own_settings import Notify, user_file
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.attention import Attention
from ageui.tui.base_app import BaseApp
from ageui.tui.queue_state import QueueState

SAVE, RESTORE = "\x1b[22;2t", "\x1b[23;2t"


def title(text: str) -> str:
    return f"\x1b]2;{text}\x1b\\"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the application writes to its terminal besides screens."""
    texts: list[str] = []
    monkeypatch.setattr(BaseApp, "_write_to_terminal", lambda app, text: texts.append(text))
    return texts


@pytest.mark.app
def test_an_end_rings_and_leads_the_title_until_somebody_looks(store: Store, written: list[str]) -> None:
    run_id, attempt, lock = alive(store, "mine")
    queued(store, "next")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: bool(written))
        assert written == [f"{SAVE}{title('ageui: 1 running, 1 queued')}"]
        lock.release()
        end(store, run_id, attempt)
        await until(pilot, lambda: len(written) == 3)
        assert written[1:] == ["\a", title("✓ mine · ageui: 0 running, 1 queued")]
        await press(pilot, "down")
        assert written[3:] == [title("ageui: 0 running, 1 queued")]

    use(store, scenario)
    assert written[4:] == [f"{title('')}{RESTORE}"]


def test_the_title_names_scores_failures_and_an_empty_queue(store: Store) -> None:
    scored = store.runs.get(done(store, "scored"))
    failed_id, attempt, lock = alive(store, "broken")
    lock.release()
    end(store, failed_id, attempt, "failed", "no such file")
    texts: list[str] = []
    attention = Attention(Notify(), texts.append)
    attention.show(QueueState({"running": 1, "queued": 1234}), [])
    attention.show(QueueState({"queued": 2}), [scored])
    attention.show(QueueState(), [store.runs.get(failed_id)])
    attention.show(QueueState(), [])
    assert texts == [
        f"{SAVE}{title('ageui: 1 running, 1,234 queued')}",
        "\a",
        title(f"✓ scored MAE {scored.summary.mae:.2f} · ageui: 0 running, 2 queued"),
        "\a",
        title("✗ broken failed · ageui: queue empty"),
    ]


@pytest.mark.parametrize("name", [*HOSTILE, "a\x1b\\b\x1b]2;other\x07c\a", "x" * 5000])
def test_no_name_leaves_the_title(store: Store, name: str) -> None:
    row = store.runs.get(done(store, "scored"))
    texts: list[str] = []
    Attention(Notify(bell=False), texts.append).show(QueueState(), [type(row)(**{**vars(row), "name": name})])
    (text,) = texts
    inside = text.removeprefix(f"{SAVE}\x1b]2;").removesuffix("\x1b\\")
    assert inside.isprintable()
    assert len(inside) < 100


def test_suspending_gives_the_title_back_until_one_returns(store: Store) -> None:
    texts: list[str] = []
    attention = Attention(Notify(), texts.append)
    attention.leave()
    attention.show(QueueState(), [])
    attention.leave()
    attention.leave()
    attention.come_back()
    shown = f"{SAVE}{title('ageui: queue empty')}"
    assert texts == [shown, f"{title('')}{RESTORE}", shown]


def test_the_users_own_file_switches_both_off(store: Store) -> None:
    texts: list[str] = []
    Attention(Notify(bell=False, title=False), texts.append).show(QueueState(), [store.runs.get(done(store, "mine"))])
    assert texts == []


@pytest.mark.app
def test_the_file_is_read_at_the_start_and_a_wrong_one_said(store: Store, written: list[str]) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("[notify]\ntitle = false\n")

    async def quiet(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: app.queue_state is not None)
        assert (written, messages(app)) == ([], [])

    async def wrong(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert "[notify] bell: give true or false; until that is corrected" in messages(app)[0]

    use(store, quiet)
    Path(user_file()).write_text('[notify]\nbell = "loud"\n')
    use(store, wrong)
