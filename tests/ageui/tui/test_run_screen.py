"""One run's screen: what it draws while the run trains, and what it says of one that ended."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compared_rows import done, evaluation
from pilot import HOSTILE, alive, messages, press, screen_text, settled, until, use
from store_rows import config, end, epoch, evaluated, make_stale, queued, running, steps
from textual.pilot import Pilot
from textual.widgets import RichLog, Static

from ageui.store import PublishedRun, Store
from ageui.tui.app import AgeUIApp
from ageui.tui.changes import ChangeMade
from ageui.tui.chart.chart import Chart
from ageui.tui.messages import OpenRun
from ageui.tui.run.part_switcher import PartSwitcher
from ageui.tui.run.screen import RunScreen
from ageui.tui.widgets.log_tail import read_log
from ageui.worker.rescorer import rescore
from ageui.worker.run_files import log_file
from engine import gap_test, resampling
from engine.data.spec import BUILT_IN

pytestmark = pytest.mark.app


def text_of(app: AgeUIApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def part_of(app: AgeUIApp) -> str | None:
    return app.screen.query_one(PartSwitcher).current


def log_lines(app: AgeUIApp) -> list[str]:
    return [strip.text.rstrip() for strip in app.screen.query_one(RichLog).lines]


def write_log(store: Store, run_id: int, text: str, attempt: int = 1) -> Path:
    path = log_file(store, run_id, attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(text)
    return path


def test_a_training_run_is_followed_point_by_point(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        chart = app.screen.query_one(Chart)
        assert "no points yet" in screen_text(app)
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((1, 0.5), (40, 0.25)))
        await until(pilot, lambda: "step 40/80" in text_of(app, "#settings"))
        assert "900 images/s" in text_of(app, "#settings")
        assert "0/8 ▓▓▓▓▓░░░░░" in text_of(app, "#state")
        assert "0:12 left" in text_of(app, "#state")
        await until(pilot, lambda: [len(one.x) for one in chart.series] == [2])
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((80, 0.125)))
            writer.epoch(epoch(1, step=80))
        await until(pilot, lambda: [len(one.x) for one in chart.series] == [3, 1, 1])
        assert list(chart.series[0].y) == [0.5, 0.25, 0.125]
        write_log(store, run_id, "epoch 1 of [8]\nhalf a li")
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated("valid"), "apparent", "synthetic")
            writer.end("done", "")
        await until(pilot, lambda: "MAE 6.00  gender 0.50  valid" in text_of(app, "#figures"))
        assert "✓ done" in text_of(app, "#state")
        assert "gender  0.50" in screen_text(app)
        await until(pilot, lambda: log_lines(app) == ["epoch 1 of [8]"])

    use(store, scenario, size=(140, 44))


def test_a_retry_from_the_start_takes_the_old_curve_away(store: Store) -> None:
    run_id, attempt = running(store, "again", epochs="1")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, 0.5), (40, 0.25)))
        writer.end("diverged", "the loss was not finite")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        chart = app.screen.query_one(Chart)
        assert list(chart.series[0].x) == [1 / 80, 40 / 80]
        assert "0/1 epoch" in text_of(app, "#state")
        store.queue.retry(run_id, from_start=True)
        await until(pilot, lambda: not any(len(one.x) for one in chart.series))

    use(store, scenario)


def test_curves_and_axes_change_by_key_with_stages_and_the_kept_epoch_marked(store: Store) -> None:
    run_id, attempt = running(store, "staged", strategy="freeze", init="random", epochs="3,3")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((5, 0.5), (10, 0.4)))
        for number, stage in ((1, 1), (2, 1), (3, 2), (4, 2)):
            writer.epoch(epoch(number, stage=stage, seconds=10.0, is_best=number < 4))
        writer.end("done", "")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        chart = app.screen.query_one(Chart)
        assert [(mark.x, mark.label) for mark in chart.vertical_lines] == [
            (2.0, "stage 2, stopped early"),
            (4.0, "stopped early"),
            (3.0, "kept 0.08333 @ 3"),
        ]
        await press(pilot, "e")
        assert [mark.x for mark in chart.vertical_lines] == [20.0, 40.0, 30.0]
        await press(pilot, "e")
        train = next(one for one in chart.series if one.key == "train loss")
        assert list(train.x) == [10.0, 20.0, 30.0, 40.0]
        assert list(chart.series[0].x) == [5.0, 10.0], "steps lie evenly between the ends of epochs, in seconds"
        titles = []
        for digit in "112444":
            titles.append(str(chart.border_subtitle))
            await press(pilot, digit)
        assert len(set(titles)) == 6
        await press(pilot, "l", "right_square_bracket")
        assert chart.log_y
        assert chart.smoothing > 0

    use(store, scenario)


def test_a_diverged_run_shows_its_nan_and_is_repeated_only_after_a_question(
    store: Store, no_workers: list[str]
) -> None:
    run_id, attempt = running(store, "wild")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.epoch(epoch(2, train_loss=math.nan, val_loss=math.nan, is_best=False))
        writer.end("diverged", "the loss is nan in epoch 2")
    write_log(store, run_id, "warning: the loss is nan\n")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        assert "the loss is nan in epoch 2" in text_of(app, "#state")
        assert part_of(app) == "log"
        await press(pilot, "t", "enter")
        assert store.runs.get(run_id).status == "diverged", "the answer that is chosen first is no"
        await press(pilot, "t", "down", "enter")
        assert store.runs.get(run_id).status == "queued"
        assert store.runs.detail(run_id).history == ()

    use(store, scenario)


def test_a_failed_run_says_why_and_its_attempts_are_listed(store: Store) -> None:
    run_id, attempt = running(store, "broken")
    end(store, run_id, attempt, "failed", "the data is gone\nsecond line")
    write_log(store, run_id, "Traceback [/]\n")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        assert "the data is gone" in text_of(app, "#state")
        assert log_lines(app) == ["Traceback [/]"]
        await press(pilot, "0")
        assert "second line" in screen_text(app)
        await press(pilot, "8")
        assert "--loss" in screen_text(app)
        await press(pilot, "y")
        assert messages(app)[-1] == "copied the command that repeats broken"
        assert app.clipboard.startswith("ageui run --preset ")
        assert len(app.clipboard) < 200

    use(store, scenario, size=(120, 60))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_nothing_of_a_run_is_parsed(store: Store, size: tuple[int, int]) -> None:
    ids = []
    for name in HOSTILE:
        run_id, attempt = running(store, name)
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1))
        end(store, run_id, attempt, "failed", f"{name}\x1b]0;title\x07\x1b[31m")
        store.edits.set_note(run_id, name)
        store.edits.set_tags(run_id, ("[/]",))
        write_log(store, run_id, f"{name}\x1b[2J\n")
        ids.append(run_id)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for run_id, name in zip(ids, HOSTILE, strict=True):
            app.post_message(OpenRun(run_id))
            await settled(pilot)
            assert name[:20] in text_of(app, "#state")
            await press(pilot, *("12345677900" if name == HOSTILE[0] else "7"), "escape")

    use(store, scenario, size=size)


def test_all_scores_are_shown_with_their_intervals_and_tests(store: Store) -> None:
    run_id = done(store, "scored", 8.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        scores = store.runs.detail(run_id).primary_scores
        assert scores is not None
        assert all(group.interval is not None for bias in scores.result.biases for group in bias.groups)
        female = next(line for line in text_of(app, "#groups").splitlines() if "female" in line)
        assert set("├●┤") <= set(female)
        assert "detectable" in text_of(app, "#groups")
        assert "MAE of constant" in screen_text(app), "an ended run opens on its scores"
        assert "signed gap" in screen_text(app)
        await press(pilot, "E")
        assert "worst: the group with the largest MAE" in screen_text(app)

    use(store, scenario, size=(160, 60))


def test_opening_a_run_draws_no_sample(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = done(store, "scored", 8.0)
    drawn: list[str] = []
    for draws in (resampling._poisson_counts, gap_test._shuffled_sums):

        def counted(*arguments: Any, draws: Callable[..., Any] = draws) -> Any:
            drawn.append(draws.__name__)
            return draws(*arguments)

        monkeypatch.setattr(f"{draws.__module__}.{draws.__name__}", counted)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        await press(pilot, *"677")
        assert "detectable" in text_of(app, "#groups")
        assert drawn == []

    use(store, scenario, size=(160, 60))
    evaluation(8.0, 1)
    assert set(drawn) == {"_poisson_counts", "_shuffled_sums"}, "scoring a run draws"


def test_scores_that_wait_to_be_rescored_say_so_until_they_are(store: Store) -> None:
    run_id = done(store, "old", 8.0)
    make_stale(store)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        assert "to be scored again" in screen_text(app)
        assert "detectable" not in text_of(app, "#groups")
        await press(pilot, "E")
        assert "valid: intervals and marks of an earlier version" in screen_text(app)
        await press(pilot, "escape")
        assert list(rescore(store)) == [1, 0]
        await until(pilot, lambda: "detectable" in text_of(app, "#groups"), "the new tests are shown")
        assert "to be scored again" not in screen_text(app)
        assert "~ inside noise" in screen_text(app)

    use(store, scenario, size=(160, 60))


@pytest.mark.parametrize("size", [(80, 24), (140, 44)])
def test_a_published_run_is_said_to_be_that_with_all_its_figures(store: Store, size: tuple[int, int]) -> None:
    figures = {"mae": 11.65, "gender": 0.37, "expression": 1.41, "ethnicity": 1.21, "age": 8.99, "val_loss": 0.017}
    store.scores.publish([PublishedRun("report/table8/mse-16", config(), BUILT_IN, figures, "an odd row")])
    run_id = store.runs.find_one("report/table8/mse-16")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        assert "◆ published" in text_of(app, "#state")
        assert "from the report, not trained here" in text_of(app, "#state")
        assert text_of(app, "#figures").startswith("MAE 11.65  gender 0.37  expression 1.41  ethnicity 1.21  age 8.99")
        assert not screen.chart.display, "it has no curves"
        shown = screen_text(app)
        assert "its figures are from the report" in " ".join(shown.replace("│", " ").split())
        seen = [" ".join(line.strip("│ ").split()) for line in shown.splitlines()]
        for figure in (
            "MAE 11.65", "gender bias 0.37", "expression bias 1.41", "ethnicity bias 1.21", "age bias 8.99",
            "validation loss 0.017",
        ):  # fmt: skip
            assert figure in seen
        for digits in ("0", "00", "9", "1"):
            await press(pilot, "5", *digits)
            assert "not trained here" in screen_text(app)
        await press(pilot, "6")
        assert "it has no predictions" in " ".join(screen_text(app).replace("│", " ").split())
        assert "not evaluated" not in screen_text(app)
        await press(pilot, "E")
        assert "◆ published: its figures are from the report" in screen_text(app)

    use(store, scenario, size=size)


def test_a_failure_elsewhere_is_reported_with_the_way_to_its_log(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "elsewhere")
    queued(store, "waiting")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: app.queue_state is not None and run_id in app.queue_state.running)
        assert "W starts one" in screen_text(app).splitlines()[0]
        end(store, run_id, attempt, "failed", "the data is gone")
        await until(pilot, lambda: bool(messages(app)))
        assert messages(app) == ["elsewhere failed: the data is gone; open it to read its log"]

    use(store, scenario)


def test_a_log_is_wrapped_at_its_width_including_lines_added_while_hidden(store: Store) -> None:
    run_id, _, _lock = alive(store, "wordy")
    line = " ".join(f"word{place}" for place in range(16))
    write_log(store, run_id, f"{line}\n")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        assert len(log_lines(app)) == 1
        await press(pilot, "8")
        write_log(store, run_id, f"{line}\n")
        store.edits.set_note(run_id, "read again")
        await settled(pilot)
        await press(pilot, "9")
        assert len(log_lines(app)) == 2
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert len(log_lines(app)) == 4

    use(store, scenario, size=(118, 24))


@pytest.mark.parametrize("size", [(80, 40), (120, 36), (160, 50)])
def test_the_end_of_a_long_log_stands_below_the_curve(store: Store, size: tuple[int, int]) -> None:
    run_id, attempt, _lock = alive(store, "wordy")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, 0.5), (40, 0.25)))
    write_log(store, run_id, "".join(f"line {place}\n" for place in range(1, 60)))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        await press(pilot, "9")
        assert "line 59" in screen_text(app)
        assert "train loss" in screen_text(app)

    use(store, scenario, size=size)


def test_an_unexpected_error_is_reported_and_kept_and_ends_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = queued(store, "plain")

    def broken(self: RunScreen, store: Store) -> None:
        raise RuntimeError("[/] no such thing")

    def broken_change(store: Store) -> ChangeMade:
        raise ValueError("nor such a change")

    monkeypatch.setattr(RunScreen, "read", broken)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await until(pilot, lambda: bool(messages(app)))
        assert messages(app)[0].startswith("RuntimeError: [/] no such thing; its traceback is in ")
        kept = Path(messages(app)[0].rpartition(" ")[2])
        assert "in broken" in kept.read_text()
        for _ in range(2):
            app.screen.refresh_soon()  # type: ignore[attr-defined]
            await settled(pilot)
        assert len(messages(app)) == 1, "what is read again and again tells of an error once"
        for _ in range(2):
            app.change(broken_change)
            await settled(pilot)
        assert [message[:10] for message in messages(app)[1:]] == ["ValueError"] * 2, (
            "what was asked for tells each time"
        )
        await press(pilot, "escape")
        assert "plain" in screen_text(app)

    use(store, scenario)


def test_a_log_is_read_on_from_where_it_was_and_from_the_start_when_it_is_another(tmp_path: Path) -> None:
    path = tmp_path / "log.1.txt"
    assert read_log(path, None).lines == ()
    path.write_text("one\ntw")
    first = read_log(path, None)
    assert (first.lines, first.starts_anew) == (("one",), True)
    with path.open("a") as log:
        log.write("o\nthree\n")
    second = read_log(path, first)
    assert (second.lines, second.starts_anew) == (("two", "three"), False)
    assert read_log(path, second).lines == ()
    path.write_text("new\n")
    assert read_log(path, second).lines == ("new",)
    other = tmp_path / "log.2.txt"
    other.write_bytes(b"x\n" * (1 << 18) + b"last\xff\n")
    part = read_log(other, second)
    assert part.starts_anew
    assert part.lines[-1] == "last\ufffd"
    assert len(part.lines) < 1 << 18
