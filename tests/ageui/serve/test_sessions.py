"""Sessions: their number, their ends, and what a page may do."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from living import processes_of
from serving import WAITS_FOR_ITS_END, application, browser, closed, log_in, opened, seen, serving, stub, typed
from store_rows import queued
from terminal import wait_until

from ageui.serve import session
from ageui.store import Store

pytestmark = pytest.mark.process


def test_the_number_of_sessions_is_limited_to_open_pages() -> None:
    async def scenario() -> None:
        async with serving(WAITS_FOR_ITS_END, most_sessions=1) as served, browser() as client:
            page = await log_in(client, served.links[0])
            async with opened(client, page) as socket:
                await seen(socket, "hello")
                answer = await client.get(page)
                assert (answer.status, "1 sessions are in use" in await answer.text()) == (503, True)
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await opened(client, page)
                assert refused.value.status == 503
            async with opened(client, page) as socket:
                await seen(socket, "hello")

    asyncio.run(scenario())


def test_the_socket_ends_with_the_process_and_the_process_with_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SECONDS_TO_END", -0.9)
    marked = f"; mark = {str(tmp_path)!r}"

    async def scenario(command: list[str], ends_itself: bool) -> None:
        async with serving(command) as served, browser() as client:
            page = await log_in(client, served.links[0])
            async with opened(client, page) as socket:
                await seen(socket, "hello")
                if ends_itself:
                    await closed(socket)
                else:
                    assert processes_of(tmp_path)
        assert not processes_of(tmp_path)

    asyncio.run(scenario(stub(f"pass{marked}"), ends_itself=True))
    asyncio.run(scenario(stub(f"sys.stdin.read(){marked}"), ends_itself=False))
    asyncio.run(scenario(stub(f"time.sleep(600){marked}"), ends_itself=False))


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "5",
        '["resize", {"width": "wide"}]',
        '["resize", {"width": Infinity, "height": 24}]',
        '["resize", {"width": 80, "height": -1e999}]',
        "[" * 100_000,
        '["stdin"]',
    ],
    ids=range(8),
)
def test_a_socket_that_is_no_page_is_closed(message: str) -> None:
    async def scenario() -> None:
        async with (
            serving() as served,
            browser() as client,
            opened(client, await log_in(client, served.links[0])) as socket,
        ):
            await socket.send_str(message)
            await closed(socket)

    asyncio.run(scenario())


def _served(store: Store, scenario: Any, *options: str) -> None:
    async def run() -> None:
        async with (
            serving(application(store.path, *options)) as served,
            browser() as client,
            opened(client, await log_in(client, served.links[0])) as socket,
        ):
            await scenario(socket)

    asyncio.run(run())


def test_a_page_shows_the_runs_and_changes_nothing(store: Store) -> None:
    queued(store, "shown-in-the-page")
    before = store.version()

    async def scenario(socket: aiohttp.ClientWebSocketResponse) -> None:
        await seen(socket, "shown-in-the-page")
        for key in "pxnW":
            await typed(socket, key)
            await seen(socket, "this session is read-only")
        await typed(socket, "\x11")
        await closed(socket)

    _served(store, scenario)
    assert store.version() == before
    assert store.runs.statuses(store.runs.ids()) == ["queued"]
    wait_until(lambda: not processes_of(store.path.parent))


def test_a_page_changes_runs_if_that_is_allowed(store: Store) -> None:
    queued(store, "paused-in-the-page")

    async def scenario(socket: aiohttp.ClientWebSocketResponse) -> None:
        await seen(socket, "paused-in-the-page")
        await typed(socket, "p")
        await seen(socket, "u undoes it")

    _served(store, scenario, "--allow-changes")
    assert store.runs.statuses(store.runs.ids()) == ["paused"]
    wait_until(lambda: not processes_of(store.path.parent))
