"""The form for new runs as tests fill it in and read it."""

from typing import Any

from pilot import until
from textual.pilot import Pilot
from textual.widgets import Static

from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenNewRun
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.widgets.field_row import FieldRow


def row(app: AgeUIApp, name: str) -> FieldRow:
    return app.screen.query_one(f"#row-{name.replace('_', '-')}", FieldRow)


def said(app: AgeUIApp, where: str) -> str:
    return str(app.screen.query_one(where, Static).content)


def hint(app: AgeUIApp, name: str) -> str:
    return str(row(app, name).query_one(".hint", Static).content)


def focused(app: AgeUIApp) -> str:
    parent = app.focused.parent if app.focused is not None else None
    return parent.field if isinstance(parent, FieldRow) else ""


def is_open(app: AgeUIApp) -> bool:
    return isinstance(app.screen, NewRunScreen) and app.screen._checked is not None


async def opened(app: AgeUIApp, pilot: "Pilot[Any]", like: int | None = None) -> NewRunScreen:
    app.post_message(OpenNewRun(like))
    await until(pilot, lambda: is_open(app), "the form is checked")
    assert isinstance(app.screen, NewRunScreen)
    return app.screen


async def fill(app: AgeUIApp, pilot: "Pilot[Any]", **texts: str) -> None:
    """Types texts, all at once, and waits until they are checked."""
    for name, text in texts.items():
        row(app, name).text = text
    await checked(app, pilot)


async def checked(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
    def is_checked() -> bool:
        screen = app.screen
        assert isinstance(screen, NewRunScreen)
        typed = {one.field: one.text.strip() for one in screen.query(FieldRow) if one.text.strip()}
        return screen._checked is not None and screen._checked.entered.texts == typed

    await until(pilot, is_checked, "what was typed is checked")
