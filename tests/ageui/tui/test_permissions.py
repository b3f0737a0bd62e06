"""The application without the permission to change anything, or to name files outside a folder."""

from pathlib import Path
from typing import Any

import pytest
from pilot import done, messages, press, screen_text, until, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Input, Static

from ageui.store import Store
from ageui.tui import keys
from ageui.tui.app import AgeUIApp
from ageui.tui.data.screen import DataScreen
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.messages import OpenRun
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.permissions import READ_ONLY, Permissions
from ageui.tui.prefs import prefs_file
from ageui.tui.run.screen import RunScreen
from ageui.tui.runs.screen import RunsScreen
from ageui.tui.studies.screen import StudiesScreen
from engine.errors import ConfigError, DataError


@pytest.mark.app
def test_no_key_of_a_read_only_session_changes_anything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen.__init__", lambda self, *arguments, **options: started.append(arguments))
    done(store, "ended")
    queued(store, "waiting")
    version = store.version()

    async def all_refused(app: AgeUIApp, pilot: "Pilot[Any]", screen: type, *places: str) -> None:
        for place in places:
            for key in keys.TABLE[place]:
                if key.changes:
                    await until(pilot, lambda: isinstance(app.screen, screen))
                    app.clear_notifications()
                    await pilot.press(key.keys.split(",")[0])
                    assert messages(app) == [READ_ONLY], (place, key)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert "runs.db (read-only)" in screen_text(app)
        assert "c compare  / filter" in screen_text(app)
        await all_refused(app, pilot, RunsScreen, keys.EVERYWHERE, keys.RUNS)
        await press(pilot, "T")
        app.post_message(OpenRun(1))
        await all_refused(app, pilot, RunScreen, keys.RUN)
        await press(pilot, "escape", "G")
        await all_refused(app, pilot, StudiesScreen, keys.STUDIES)

    use(store, scenario, permissions=Permissions(changes=False))
    assert store.version() == version
    assert not started
    assert not prefs_file().exists()


@pytest.mark.app
def test_a_view_cannot_be_saved_and_neither_palette_nor_help_lists_changes(store: Store) -> None:
    queued(store, "waiting")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "f3", "s")
        await until(pilot, lambda: isinstance(app.screen, LinePrompt))
        await press(pilot, "a", "enter")
        await until(pilot, lambda: messages(app) == [READ_ONLY])
        assert not [one.title for one in app.get_system_commands(app.screen) if one.title.startswith("Pause")]
        await press(pilot, "?")
        assert "Select, move down" in screen_text(app)
        assert "Pause" not in screen_text(app)

    use(store, scenario, permissions=Permissions(changes=False))


@pytest.mark.app
def test_paths_outside_the_folder_and_weights_files_are_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network_checks: None
) -> None:
    async def unread(db: Path, name: str, target: str) -> None:
        raise DataError("not read")

    monkeypatch.setattr("ageui.tui.data.commands.count_rows", unread)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)

    async def answered(app: AgeUIApp, pilot: "Pilot[Any]", text: str) -> None:
        await press(pilot, "a")
        await until(pilot, lambda: isinstance(app.screen, LinePrompt))
        app.screen.query_one(Input).value = text
        await press(pilot, "enter")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "D")
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        await answered(app, pilot, str(inside / "link" / "faces"))
        error = app.screen.query_one("#error", Static)
        await until(pilot, lambda: f"is outside {inside}" in str(error.content))
        await press(pilot, "escape", "G")
        await until(pilot, lambda: isinstance(app.screen, StudiesScreen))
        await answered(app, pilot, str(tmp_path / "study.toml"))
        await until(pilot, lambda: any(f"is outside {inside}" in one for one in messages(app)))
        await press(pilot, "escape", "n")
        await until(pilot, lambda: isinstance(app.screen, NewRunScreen))
        app.screen.query_one("#row-init Input", Input).value = str(inside / "weights.pt")
        await until(pilot, lambda: "cannot name weights files" in screen_text(app))

    use(store, scenario, permissions=Permissions(folder=inside))


def test_only_the_folder_and_no_weights_file_is_allowed(tmp_path: Path) -> None:
    permissions = Permissions(folder=tmp_path)
    permissions.refuse_path(tmp_path / "faces" / "faces.csv")
    (tmp_path / "link").symlink_to(tmp_path.parent)
    for name in ("..", "../x", "link", "link/x", "/etc/passwd", "\0"):
        with pytest.raises(ConfigError):
            permissions.refuse_path(tmp_path / name)
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "inner").symlink_to(tmp_path)
    permissions.refuse_path(tmp_path / "faces")
    (tmp_path / "faces" / "gt_avg_train.csv").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match=r"gt_avg_train\.csv is outside"):
        permissions.refuse_path(tmp_path / "faces")
    for init in ("auto", "pretrained", "imagenet", "random"):
        permissions.refuse_weights(init)
    with pytest.raises(ConfigError, match="weights file"):
        permissions.refuse_weights(str(tmp_path / "w.safetensors"))
    Permissions().refuse_path(Path("/etc"))
    Permissions().refuse_weights("/etc/w.safetensors")
