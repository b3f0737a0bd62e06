"""The footer: the keys of what has the focus, as many as fit, drawn anew only when they change."""

import asyncio
from typing import Any, ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ageui.tui.widgets.key_footer import KeyFooter

pytestmark = pytest.mark.app


class Saving(Input):
    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+s", "save", "save")]


class Fields(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys", tooltip="List all keys"),
        ("f5", "again", "again"),
        Binding("f6", "again", "twice"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input(id="first")
        yield Input(id="second")
        yield Saving(id="third")
        yield KeyFooter()

    def action_again(self) -> None:
        self.pressed.append("again")

    def action_help(self) -> None:
        self.pressed.append("help")

    @property
    def line(self) -> str:
        return str(self.query_one(KeyFooter).render())


def test_it_is_drawn_anew_only_when_keys_change(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    put = KeyFooter.put
    monkeypatch.setattr(KeyFooter, "put", lambda self, text: (drawn.append(text), put(self, text))[1])

    async def play() -> None:
        app = Fields()
        async with app.run_test() as pilot:

            async def line_at(field: str) -> str:
                app.query_one(f"#{field}").focus()
                await pilot.pause()
                return app.line

            assert "f5 again" in await line_at("first")
            assert "twice" not in app.line
            before = len(drawn)
            assert "save" not in await line_at("second")
            assert len(drawn) == before
            assert "^s save" in await line_at("third")
            assert "save" not in await line_at("first")
            assert len(drawn) == before + 2

    asyncio.run(play())


def test_keys_that_do_not_fit_are_left_out_whole_but_never_the_one_that_lists_them() -> None:
    async def play() -> None:
        app = Fields()
        async with app.run_test(size=(22, 10)) as pilot:
            app.query_one("#third").focus()
            await pilot.pause()
            assert app.line.endswith("▏ f1 keys")
            assert app.line.startswith(" ^s save")
            assert "f5" not in app.line
            assert len(app.line) == 21
            await pilot.resize_terminal(60, 10)
            await pilot.pause()
            assert "f5 again" in app.line

    asyncio.run(play())


def test_a_click_presses_the_key_and_the_pointer_explains_it() -> None:
    async def play() -> None:
        app = Fields()
        async with app.run_test(size=(60, 10)) as pilot:
            await pilot.pause()
            await pilot.click(KeyFooter, offset=(app.line.index("again"), 0))
            await pilot.click(KeyFooter, offset=(app.line.index("f1"), 0))
            await pilot.click(KeyFooter, offset=(40, 0))
            await pilot.pause()
            assert app.pressed == ["again", "help"]
            await pilot.hover(KeyFooter, offset=(app.line.index("keys"), 0))
            assert app.query_one(KeyFooter).tooltip == "List all keys"
            await pilot.hover(KeyFooter, offset=(40, 0))
            assert app.query_one(KeyFooter).tooltip is None

    asyncio.run(play())
