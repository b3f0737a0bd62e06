"""The screen of data sets: what it shows, what it starts in other processes, and that those end with it."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from living import processes_of
from pilot import HOSTILE, messages, press, screen_text, table_rows, until, use
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.data.screen import DataScreen
from ageui.tui.dialogs.prompts import ChoicePrompt, LinePrompt
from ageui.tui.widgets.paged_table import PagedTable
from engine.data.check import check
from engine.data.kept_reports import kept_report
from engine.data.spec import DataSpec
from engine.paths import cache_folder

pytestmark = pytest.mark.app

Slow = Callable[[str], None]


@pytest.fixture
def spec(drawn_faces: Path, store: Store) -> DataSpec:
    """Registered, with its images read."""
    found = DataSpec(name="faces", format="course", path=str(drawn_faces))
    store.data.add(found)
    check(found, cache=cache_folder())
    return found


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Commands with this word wait for ever before they begin."""

    def make(word: str) -> None:
        folder = tmp_path_factory.mktemp("slow")
        (folder / "sitecustomize.py").write_text(
            f"import sys, time\nif {word!r} in sys.orig_argv:\n    time.sleep(600)\n"
        )
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))

    return make


def text_of(app: AgeUIApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def findings(app: AgeUIApp) -> str:
    return text_of(app, "#findings Static")


async def open_data(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
    await press(pilot, "D")
    await until(pilot, lambda: isinstance(app.screen, DataScreen) and bool(sets(app)), "the list of data sets")


def sets(app: AgeUIApp) -> list[str]:
    options = app.screen.query_one("#sets", OptionList)
    return [str(options.get_option_at_index(place).prompt) for place in range(options.option_count)]


async def known(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
    await until(pilot, lambda: bool(table_rows(app)), "the groups")


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 50)])
def test_kept_figures_are_there_at_once(store: Store, spec: DataSpec, slow: Slow, size: tuple[int, int]) -> None:
    slow("data")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        assert sets(app) == ["synthetic  built in", "faces  course"]
        rows = table_rows(app)
        assert rows[0][0] == "all images"
        assert rows[0][1] == "70"
        assert any("female" in row[0] and "█" in row[1] for row in rows)
        assert "no rows or images that cannot be used" in findings(app)
        assert "images read" in text_of(app, "#about")
        assert "train" in screen_text(app)
        assert "mean age" in screen_text(app)
        assert "▸ train" in screen_text(app)
        await press(pilot, "v")
        assert "▸ valid" in screen_text(app)
        await press(pilot, "D")
        assert len(app.screen_stack) == 2

    use(store, scenario, size=size)


def test_rows_are_read_in_another_process_and_then_the_images(store: Store, drawn_faces: Path) -> None:
    spec = DataSpec(name="-faces", format="course", path=str(drawn_faces))
    store.data.add(spec)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        assert "images were not read" in findings(app)
        await press(pilot, "c")
        await until(pilot, lambda: "images read" in text_of(app, "#about"), "the images are read")
        assert "no rows or images" in findings(app)
        assert kept_report(spec, "apparent", cache_folder()) is not None

    use(store, scenario)


def test_problems_are_listed(store: Store, tmp_path: Path, drawn_faces: Path) -> None:
    shutil.copytree(drawn_faces, tmp_path / "bad")
    (tmp_path / "bad" / "train_data" / "000003.jpg").write_bytes(b"")
    spec = DataSpec(name="bad", format="course", path=str(tmp_path / "bad"), skip_bad=True)
    store.data.add(spec)
    check(spec, cache=cache_folder())

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        assert "1 row or image that cannot be used" in findings(app)
        assert "train_data/000003.jpg: the file is empty" in findings(app)
        (tmp_path / "bad" / "train_data" / "000004.jpg").unlink()
        await press(pilot, "up")
        await press(pilot, "down")
        await until(pilot, lambda: "files changed since" in findings(app), "that it is out of date")
        assert "000004.jpg: the image file is missing" in findings(app)

    use(store, scenario)


def test_a_data_set_that_is_away_says_so(store: Store) -> None:
    store.data.add(DataSpec(name="away", format="course", path="/no/such/folder"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        assert "away  missing" in sets(app)
        await until(pilot, lambda: "/no/such/folder is missing" in text_of(app, "#error"), "the error")
        await press(pilot, "c", "v", "t")
        await press(pilot, "up")
        assert text_of(app, "#error") == ""

    use(store, scenario)


def test_files_of_no_format_are_an_error_in_place(store: Store, tmp_path: Path) -> None:
    store.data.add(DataSpec(name="empty", format="course", path=str(tmp_path)))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await until(pilot, lambda: "is not a course edition" in text_of(app, "#error"), "the error")

    use(store, scenario)


@pytest.mark.parametrize("way", ["escape", "leave", "quit"])
def test_reading_ends_when_it_is_not_wanted(store: Store, spec: DataSpec, slow: Slow, tmp_path: Path, way: str) -> None:
    slow("check")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        await press(pilot, "c")
        await until(pilot, lambda: bool(processes_of(tmp_path)), "the process")
        assert "reading faces" in text_of(app, "#doing")
        await press(pilot, "c")
        assert messages(app) == ["a data set is already being read; esc stops that"]
        if way == "escape":
            await press(pilot, "escape")
            assert isinstance(app.screen, DataScreen)
            assert messages(app)[-1] == "stopped"
        elif way == "leave":
            app.pop_screen()
        else:
            app.exit()
            return
        await until(pilot, lambda: not processes_of(tmp_path), "the process is gone")
        if way == "escape":
            assert text_of(app, "#doing") == ""
            await press(pilot, "escape")
            assert len(app.screen_stack) == 1

    use(store, scenario)
    assert not processes_of(tmp_path)


def test_going_through_the_list_leaves_no_process(store: Store, drawn_faces: Path, slow: Slow, tmp_path: Path) -> None:
    slow("--quick")
    for name in "abc":
        store.data.add(DataSpec(name=name, format="course", path=str(drawn_faces)))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await until(pilot, lambda: any(" a" in line for line in processes_of(tmp_path).values()), "reading a")
        await press(pilot, "down", "down")
        await until(
            pilot, lambda: [line.split()[-1] for line in processes_of(tmp_path).values()] == ["c"], "only c is read"
        )

    use(store, scenario)
    assert not processes_of(tmp_path)


def test_enter_opens_the_faces_of_a_group(
    store: Store, spec: DataSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "viewer.py"
    script.write_text(f"import sys; open({str(seen)!r}, 'w').write(sys.argv[1])")
    monkeypatch.setenv("AGEUI_VIEWER", f"{sys.executable} '{script}'")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        await press(pilot, "enter")
        assert isinstance(app.focused, PagedTable)
        place = next(place for place, row in enumerate(table_rows(app)) if "female" in row[0])
        await press(pilot, "v", *["down"] * place, "enter")
        await until(pilot, lambda: "opened with" in text_of(app, "#doing"), "the sheet")
        path = Path(seen.read_text())
        assert path.is_relative_to(cache_folder())
        assert path.stat().st_mode & 0o077 == 0

    use(store, scenario)


def test_a_data_set_is_added_forgotten_and_brought_back(store: Store, drawn_faces: Path) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await answer(app, pilot, "a", str(drawn_faces))
        await answer(app, pilot, "", "mine [/]")
        await until(pilot, lambda: any("mine [/]: course, train 70" in text for text in messages(app)), "it is added")
        await until(pilot, lambda: "mine [/]" in text_of(app, "#about"), "it is chosen")
        await until(pilot, lambda: "images read" in text_of(app, "#about"), "its images are read")
        await press(pilot, "x")
        await until(pilot, lambda: len(sets(app)) == 1, "it is forgotten")
        await press(pilot, "u")
        await until(pilot, lambda: len(sets(app)) == 2, "it is back")
        assert store.data.get("mine [/]").path == str(drawn_faces)
        await press(pilot, "home")
        await until(pilot, lambda: "synthetic" in text_of(app, "#about"), "the built-in faces")
        await press(pilot, "x")
        await until(pilot, lambda: any("which cannot be removed" in text for text in messages(app)), "the refusal")

    use(store, scenario)


def test_bad_rows_are_left_out_when_that_is_wanted(store: Store, tmp_path: Path, drawn_faces: Path) -> None:
    shutil.copytree(drawn_faces, tmp_path / "bad")
    (tmp_path / "bad" / "train_data" / "000003.jpg").write_bytes(b"")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await answer(app, pilot, "a", str(tmp_path / "bad"))
        await answer(app, pilot, "", "bad")
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt), "the question")
        await until(pilot, lambda: "000003.jpg: the file is empty" in screen_text(app), "what is wrong")
        assert len(store.data.all()) == 1
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(sets(app)) == 2, "it is added")
        assert store.data.get("bad").skip_bad

    use(store, scenario)


def test_a_missing_path_is_refused(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        for path, said in (("  ", ""), ("/no/such/place", "/no/such/place"), ("[/]", "[/]")):
            await answer(app, pilot, "a", path)
            await until(pilot, lambda: isinstance(app.screen, DataScreen), "the screen")
            assert said in text_of(app, "#error")
            assert ("does not exist" in text_of(app, "#error")) == bool(said)

    use(store, scenario)


async def answer(app: AgeUIApp, pilot: "Pilot[Any]", key: str, text: str) -> None:
    before = app.screen
    if key:
        await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, LinePrompt) and (not key or app.screen is not before), "a prompt")
    asked = app.screen
    asked.query_one(Input).value = text
    await pilot.press("enter")
    await until(pilot, lambda: app.screen is not asked, "the answer is taken")


@pytest.mark.parametrize("name", HOSTILE[::2])
def test_names_are_never_taken_for_anything_else(store: Store, tmp_path: Path, drawn_faces: Path, name: str) -> None:
    table = tmp_path / "table.csv"
    folder = tmp_path / "x"
    shutil.copytree(drawn_faces, folder)
    lines = ["image,age,split,kind"]
    for number in range(1, 9):
        split = "train" if number < 6 else "valid"
        lines.append(f'x/train_data/{number:06}.jpg,{number},{split},"{name if number % 2 else "other"}"')
    lines.append(f'"{name}",3,train,other')
    table.write_text("\n".join(lines))
    spec = DataSpec(name=name, format="table", path=str(table), skip_bad=True)
    store.data.add(spec)
    check(spec, cache=cache_folder())

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await open_data(app, pilot)
        await known(app, pilot)
        assert "1 row or image that cannot be used" in findings(app)
        assert any(name[:12] in row[0] for row in table_rows(app))
        await press(pilot, "t")
        await until(pilot, lambda: "real_age" in text_of(app, "#error"), "that there is no real age")
        assert app.is_running

    use(store, scenario, size=(80, 24))
