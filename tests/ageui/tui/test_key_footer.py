"""The footer follows the keys of what has the focus, and rests while they stay the same."""

import asyncio
from typing import Any, ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Input
from textual.widgets._footer import FooterKey

from ageui.tui.widgets.key_footer import KeyFooter

pytestmark = pytest.mark.app


class Saving(Input):
    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+s", "save", "save")]


class Fields(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("f5", "again", "again")]

    def compose(self) -> ComposeResult:
        yield Input(id="first")
        yield Input(id="second")
        yield Saving(id="third")
        yield KeyFooter()


def test_it_is_composed_anew_only_when_keys_change(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []
    recompose = KeyFooter.recompose

    async def counted(self: Any) -> None:
        composed.append(self)
        await recompose(self)

    monkeypatch.setattr(KeyFooter, "recompose", counted)

    async def play() -> None:
        app = Fields()
        async with app.run_test() as pilot:

            async def keys_at(field: str) -> set[str]:
                app.query_one(f"#{field}").focus()
                await pilot.pause()
                return {str(key.description) for key in app.query(FooterKey)}

            assert {"again"} <= await keys_at("first")
            before = len(composed)
            assert "save" not in await keys_at("second")
            assert len(composed) == before
            assert {"again", "save"} <= await keys_at("third")
            assert "save" not in await keys_at("first")
            assert len(composed) == before + 2

    asyncio.run(play())
