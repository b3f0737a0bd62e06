"""Exports of the comparison on the screen: what is shown, in every format, and never over a file unasked."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from compared_rows import keys, opened
from pilot import messages, press, screen_text, until, use
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import ChoicePrompt, LinePrompt

pytestmark = pytest.mark.app


async def choose(app: AgeUIApp, pilot: "Pilot[Any]", *answers: str) -> None:
    for answer in answers:
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt))
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: any(option.id == answer for option in options.options))  # noqa: B023
        options.highlighted = options.get_option_index(answer)
        await press(pilot, "enter")
        await pilot.pause()


def test_the_export_matches_the_screen_and_replaces_no_file_unasked(
    store: Store, runs: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        file = tmp_path / "comparison.md"
        await press(pilot, "X")
        await choose(app, pilot, "md", "here")
        await until(pilot, lambda: messages(app) == [f"3 rows written to {file}"])
        written = file.read_text(encoding="utf-8")
        assert "| mse (baseline) | mse | 1,2 |" in written
        assert "(n=2)" in written
        assert "gender female" in written
        await keys(pilot, screen, "f", "g", "g")
        await press(pilot, "X")
        await choose(app, pilot, "md", "here")
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt), "it asks before it replaces")
        assert "Replace it?" in screen_text(app)
        await press(pilot, "enter")
        assert file.read_text(encoding="utf-8") == written, "the first answer is no"
        await press(pilot, "X")
        await choose(app, pilot, "md", "here")
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt))
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "| mse-b |" in file.read_text(encoding="utf-8"))
        assert "gender female" not in file.read_text(encoding="utf-8")

    use(store, scenario)


def test_other_formats_and_files_and_the_clipboard(
    store: Store, runs: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def exported(app: AgeUIApp, pilot: "Pilot[Any]", format: str, start: str) -> None:
        await press(pilot, "X")
        await choose(app, pilot, format, "copy")
        await until(pilot, lambda: app.clipboard.startswith(start))
        assert messages(app)[-1].startswith("copied 3 rows as ")
        await press(pilot, "X")
        await choose(app, pilot, format, "file")
        await until(pilot, lambda: isinstance(app.screen, LinePrompt))
        app.screen.query_one(Input).value = f"mine.{format}"
        await press(pilot, "enter")
        await until(pilot, lambda: (tmp_path / f"mine.{format}").exists())
        assert (tmp_path / f"mine.{format}").read_text(encoding="utf-8").startswith(start)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, runs)
        for format, start in (("csv", "run,id,"), ("tex", "% needs"), ("html", "<!DOCTYPE")):
            await exported(app, pilot, format, start)

    use(store, scenario)


def test_a_failed_export_is_reported(
    store: Store, runs: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, runs)
        names = ("nowhere/at/all.md", "folder", "~nobody-of-that-name/x.md", "a\0b.md", "x" * 300)
        for said, name in enumerate(names, start=1):
            await press(pilot, "X")
            await choose(app, pilot, "md", "file")
            await until(pilot, lambda: isinstance(app.screen, LinePrompt))
            app.screen.query_one(Input).value = name
            await press(pilot, "enter")
            await until(pilot, lambda said=said: sum("cannot be written" in one for one in messages(app)) == said)
        await press(pilot, "X")
        assert isinstance(app.screen, ChoicePrompt), "the screen goes on"
        await press(pilot, "escape")

    use(store, scenario)


def test_methods_and_plots_are_exported_and_no_plot_is_drawn_in_this_process(
    store: Store, runs: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, runs)
        await press(pilot, "X")
        await choose(app, pilot, "txt", "here")
        await until(pilot, lambda: (tmp_path / "methods.txt").exists())
        assert (tmp_path / "methods.txt").read_text(encoding="utf-8").startswith("3 runs were trained on ")
        await press(pilot, "M")
        await choose(app, pilot, "gender_signed")
        await press(pilot, "X")
        await choose(app, pilot, "svg", "file")
        await until(pilot, lambda: isinstance(app.screen, LinePrompt))
        app.screen.query_one(Input).value = "p.svg"
        await press(pilot, "enter")
        await until(pilot, lambda: any("p.svg" in message for message in messages(app)))
        drawn = (tmp_path / "p.svg").read_text(encoding="utf-8")
        assert "gender signed gap, years" in drawn
        assert "MAE, years" in drawn, "the axes are those of the screen"

    use(store, scenario)
