"""Runs side by side: what shows at once and later, what keys change, what is exported, what cannot be compared."""

import threading
from typing import Any

import pytest
from compared_rows import below, done, evaluation, intervals, keys, line, lines, opened, shown
from pilot import HOSTILE, alive, messages, press, screen_text, settled, until, use
from store_rows import end, epoch, queued, running
from textual.pilot import Pilot

from ageui.compare import Comparison
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.compare import compared_runs
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.messages import OpenComparison
from ageui.tui.prefs import Prefs
from ageui.tui.widgets.side_by_side import SideBySide
from engine.errors import StoreError

pytestmark = pytest.mark.app

SIZES = [(80, 24), (120, 36), (160, 50)]


@pytest.mark.parametrize("size", SIZES)
def test_repeats_are_folded_figures_marked_and_the_legend_says_how(
    store: Store, runs: tuple[int, ...], size: tuple[int, int]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        names, about = lines(screen)[:2]
        assert names.split() == ["■", "mse", "□", "mape", "constant", "35.0"]
        assert about.split() == ["◂", "baseline", "2", "seeds", "train", "mean"]
        assert line(screen, "loss").split() == ["loss", "mse", "mape"]
        assert "★4" in line(screen, "MAE years")
        assert "−" in line(screen, "MAE years")
        assert "+" in line(screen, "MAE years")
        assert "(n=2)" in below(screen, "MAE years")
        assert line(screen, "female").split()[1] == "30"
        text = screen_text(app)
        assert "★ best" in text
        assert "± std over seeds" in text or size[0] == 80
        assert "3 runs on synthetic / valid, 60 images · baseline mse" in text

    use(store, scenario, size=size)


def test_real_differences_get_their_mark_once_the_bootstrap_is_done(
    store: Store, runs: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = (*runs, done(store, "mape-b", 4.1, loss="mape", seed=2))
    may_go, asked = threading.Event(), []
    compute = compared_runs.compare_runs

    def slow(view: Any, found: Any, known: Any, from_store: Store | None) -> Comparison:
        if from_store is not None:
            asked.append(view)
            assert may_go.wait(30)
        return compute(view, found, known, from_store)

    monkeypatch.setattr("ageui.tui.compare.screen.compare_runs", slow)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenComparison(runs))
        await until(pilot, lambda: bool(asked), "the bootstrap begins")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: "4." in line(screen, "MAE years"), "figures are there before their intervals")
        await until(pilot, lambda: "computing intervals" in shown(app, "#about"), "that they come is said")
        assert "−" in line(screen, "MAE years")
        assert "✔" not in line(screen, "MAE years")
        await pilot.press("right", "B")
        await until(pilot, lambda: "+4" in line(screen, "MAE years"), "nothing blocks while it goes on")
        may_go.set()
        await intervals(pilot, screen)
        assert asked[-1].baseline == str(runs[2]), "what was asked for last is what is shown"
        assert "+4" in line(screen, "MAE years")
        assert "✔" in line(screen, "MAE years")
        assert "computing intervals" not in shown(app, "#about")

    use(store, scenario)


def test_unlike_runs_show_their_figures_before_their_settings(store: Store) -> None:
    unlike = {"batch": 7, "epochs": 3, "lr": 0.5, "optimizer": "sgd", "size": 96, "weights": ("gender",)}
    ids = (done(store, "one", 8.0, loss="mse"), done(store, "two", 4.0, loss="mape", **unlike))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        text = screen_text(app)
        assert text.index("MAE years") < text.index("gender bias") < text.index("optimizer")
        found = lines(screen)
        assert found.index(line(screen, "optimizer")) < found.index(line(screen, "MAE by gender"))

    use(store, scenario, size=(80, 24))


def test_a_failed_bootstrap_is_reported_once_and_not_repeated(
    store: Store, runs: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    compute = compared_runs.compare_runs

    def failing(view: Any, found: Any, known: Any, from_store: Store | None) -> Comparison:
        if from_store is not None:
            tried.append(view)
            raise StoreError("predictions are gone")
        return compute(view, found, known, from_store)

    monkeypatch.setattr("ageui.tui.compare.screen.compare_runs", failing)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs[1:])
        assert messages(app) == ["no intervals of differences: predictions are gone"]
        assert "computing intervals" not in shown(app, "#about")
        screen.refresh_soon()
        await settled(pilot)
        await intervals(pilot, screen)
        assert len(tried) == 1

    use(store, scenario)


def test_folding_groups_settings_and_splits_are_toggled(store: Store) -> None:
    both = ("valid", "test")
    ids = (
        done(store, "one", 8.0, loss="mse", seed=1, splits=both),
        done(store, "two", 6.0, loss="mse", seed=2, splits=both),
    )

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        assert "mse · none" in lines(screen)[0]
        await keys(pilot, screen, "f")
        assert lines(screen)[0].split() == ["■", "one", "○", "two", "constant", "35.0"]
        assert "0" not in line(screen, "loss"), "equal settings are not shown"
        await keys(pilot, screen, "i")
        assert line(screen, "loss").split() == ["loss", "mse", "mse"]
        await keys(pilot, screen, "g", "g")
        assert line(screen, "female") == ""
        assert "/ test, 60" in shown(app, "#about")
        await keys(pilot, screen, "v")
        assert "/ valid, 60" in shown(app, "#about")

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES)
def test_signed_gaps_stand_below_their_biases_and_further_figures_come_and_go(
    store: Store, runs: tuple[int, ...], size: tuple[int, int]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        places = [lines(screen).index(line(screen, name)) for name in ("MAE years", "gender bias", "gender signed")]
        assert places == sorted(places)
        assert line(screen, "gender ratio") == ""
        await keys(pilot, screen, "e")
        assert "×" in line(screen, "gender ratio")
        assert "%" in line(screen, "CS@5")
        assert line(screen, "slope") != ""
        assert "− lower + higher" in shown(app, "#legend"), "a higher share is better"
        await keys(pilot, screen, "f", "e")
        assert line(screen, "gender signed") == line(screen, "gender ratio") == ""
        assert line(screen, "gender bias") != ""
        await keys(pilot, screen, "f", "e")
        assert line(screen, "gender signed") != ""

    use(store, scenario, size=size)


def test_rows_that_differ_in_their_seed_alone_offer_to_be_folded(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        assert "f folds seeds" not in screen_text(app)
        await keys(pilot, screen, "f")
        assert "f folds seeds" in shown(app, "#about")
        assert "not compared with each other (mse-a and mse-b); fold the seeds" in shown(app, "#notes")

    use(store, scenario)


def test_ranks_the_pareto_front_and_intervals_of_groups_are_shown_and_explained(
    store: Store, runs: tuple[int, ...]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        assert line(screen, "average rank").split() == ["average", "rank", "2.00", "1.00", "—"]
        assert line(screen, "Pareto front").split() == ["Pareto", "front", "◇"]
        assert "◇ Pareto front" in shown(app, "#legend")
        assert below(screen, "female").split()[:1] == ["male"], "groups are a line each"
        await keys(pilot, screen, "g")
        assert "–" in below(screen, "female")
        assert "(n=2)" in below(screen, "female")
        await press(pilot, "E")
        assert isinstance(app.screen, ExplainScreen)
        text = " ".join(shown(app, "VerticalScroll > Static").split())
        assert "◇ on the Pareto front: no run is as good in all of these and better in one" in text
        assert "rank mean place among the runs over MAE, gender" in text
        assert "+ and − difference to the baseline mse" in text

    use(store, scenario, size=(140, 44))


def test_runs_on_other_images_are_marked_with_the_reason(store: Store, runs: tuple[int, ...]) -> None:
    other = done(store, "elsewhere", 1.0, images=40, loss="huber")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, (*runs, other))
        assert "≠ not comparable" in lines(screen)[1]
        figures = line(screen, "MAE years")
        assert figures.count("★") == 1
        assert "★4" in figures, "the best is among those on the same images"
        await press(pilot, "right", "right")
        assert "elsewhere" in shown(app, "#row")
        assert "measured on other images (40; the others on 60)" in shown(app, "#row")
        assert "≠ other images" in " ".join(screen_text(app).split())

    use(store, scenario, prefs=Prefs(comparison="columns"))


def test_twelve_runs_at_eighty_columns_keep_labels_in_view_and_cut_no_figure(store: Store) -> None:
    ids = tuple(done(store, f"run-{place}", 4.0 + place, batch=8 + place) for place in range(12))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        table = screen.query_one(SideBySide)
        for place in range(13):
            text = screen_text(app)
            assert "MAE years" in text
            first, stop = table.columns_in_view
            assert first <= place < stop
            heads = text.splitlines()[2]
            assert [name for name in (f"run-{one}" for one in range(12)) if f" {name} " in f"{heads} "] == [
                f"run-{one}" for one in range(first, min(stop, 12))
            ]
            await press(pilot, "right")
        assert "‹" in screen_text(app)
        await press(pilot, "end")
        assert table.columns_in_view[1] == 13, "moving down does not move sideways"

    use(store, scenario, size=(80, 24), prefs=Prefs(comparison="columns"))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_names_are_text_whatever_they_hold(store: Store, size: tuple[int, int]) -> None:
    ids = [done(store, name, 5.0, loss="mape" if place % 2 else "mse") for place, name in enumerate(HOSTILE)]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for first in range(0, len(ids) if size[0] == 80 else 2, 2):
            names = HOSTILE[first : first + 2]
            screen = await opened(app, pilot, (*ids[first : first + 2], ids[0]))
            assert all(name[:12] in lines(screen)[0] for name in names)
            await keys(pilot, screen, "right", "b", "f", "c", "c", "c")
            await press(pilot, "x")
            await press(pilot, "a")
            assert any(name[:12] in screen_text(app) for name in HOSTILE)
            assert len(app.screen_stack) == 3
            while len(app.screen_stack) > 1:
                await press(pilot, "escape")

    use(store, scenario, size=size)


def test_a_live_run_is_followed_without_losing_the_place(store: Store, runs: tuple[int, ...]) -> None:
    run_id, attempt, lock = alive(store, "going", loss="huber")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, (*runs, run_id))
        table = screen.query_one(SideBySide)
        await press(pilot, "right", "right", "end")
        scroll = table.scroll_offset
        assert "▶ running 0/8" in lines(screen)[1]
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1))
            writer.epoch(epoch(2))
        await until(pilot, lambda: "▶ running 2/8" in lines(screen)[1])
        assert (table.cursor_key, table.scroll_offset) == (str(run_id), scroll)
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluation(2.0, 9), "apparent", "faces")
            writer.end("done", "")
        lock.release()
        await until(pilot, lambda: "★2" in line(screen, "MAE years"), "the new figures are the best")
        assert (table.cursor_key, table.scroll_offset) == (str(run_id), scroll)

    use(store, scenario)


def test_runs_that_ended_are_read_once_as_long_as_nothing_of_them_changes(
    store: Store, runs: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    detail = store.runs.detail
    monkeypatch.setattr(store.runs, "detail", lambda run_id: read.append(run_id) or detail(run_id))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        assert sorted(read) == sorted(runs)
        await keys(pilot, screen, "f", "b", "i")
        assert len(read) == 3
        store.edits.rename(runs[2], "other")
        screen.refresh_soon()
        await until(pilot, lambda: "other" in lines(screen)[0], "the new name is shown")
        assert read[3:] == [runs[2]]

    use(store, scenario)


def test_runs_without_any_scores_and_runs_that_are_not_there(store: Store) -> None:
    ids = (queued(store, "one"), queued(store, "two", loss="mape"), 99)
    end(store, *running(store, "wild"), "diverged", "the loss is NaN")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, (*ids, 3))
        assert "no scores yet" in shown(app, "#about")
        assert "· queued" in lines(screen)[1]
        assert any("run 99 does not exist" in message for message in messages(app))
        await keys(pilot, screen, "b", "v", "B", "f", "g", "i", "c", "m")
        await press(pilot, "right")
        assert "diverged: the loss is NaN" in screen_text(app) or "queued" in shown(app, "#row")

    use(store, scenario)
