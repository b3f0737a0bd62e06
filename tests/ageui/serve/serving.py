"""A server in this process, and browsers that are a client of aiohttp."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import aiohttp

from ageui.serve.server import PageServer

SECONDS_AT_MOST = 30.0
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|.)")


def stub(then: str) -> list[str]:
    """A command that greets the page as an application does, and then runs code."""
    code = f"import os, sys, time\nos.write(1, b'__GANGLION__\\nD' + (5).to_bytes(4, 'big') + b'hello')\n{then}"
    return [sys.executable, "-I", "-S", "-c", code]


WAITS_FOR_ITS_END = stub("sys.stdin.read()")


def application(db: Path, *options: str) -> list[str]:
    return [sys.executable, "-P", "-m", "ageui.serve", "--db", str(db), *options]


@dataclass
class Served:
    """A running server: its address, such as `http://127.0.0.1:4711`, and the links it has announced."""

    address: str
    links: list[str]

    @property
    def token(self) -> str:
        return urldefrag(self.links[-1]).fragment


@asynccontextmanager
async def serving(command: Sequence[str] = WAITS_FOR_ITS_END, most_sessions: int = 4) -> AsyncIterator[Served]:
    links: list[str] = []
    announced, stopped = asyncio.Event(), asyncio.Event()

    def announce(link: str) -> None:
        links.append(link)
        announced.set()

    server = PageServer(command, most_sessions=most_sessions, announce=announce)
    running = asyncio.create_task(server.run(0, stopped))
    try:
        await asyncio.wait_for(announced.wait(), SECONDS_AT_MOST)
        yield Served(f"http://{urlsplit(links[0]).netloc}", links)
    finally:
        stopped.set()
        await running


def browser() -> aiohttp.ClientSession:
    """A client that keeps the cookies of addresses that are numbers."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def log_in(client: aiohttp.ClientSession, link: str) -> str:
    """The address of the page to which a link leads."""
    address, token = urldefrag(link)
    origin = address.rstrip("/")
    async with client.post(f"{origin}/login", data=token, headers={"Origin": origin}) as answer:
        assert answer.status == 200, await answer.text()
        return origin + await answer.text()


def opened(client: aiohttp.ClientSession, page: str, **headers: str) -> Any:
    """The socket of a page, as a context."""
    parts = urlsplit(page)
    return client.ws_connect(f"{page}ws?width=120&height=36", headers={"Origin": f"http://{parts.netloc}", **headers})


async def seen(socket: aiohttp.ClientWebSocketResponse, text: str) -> str:
    """What the page has shown since the last call, once that includes a text."""
    shown = ""
    async with asyncio.timeout(SECONDS_AT_MOST):
        while text not in shown:
            message = await socket.receive()
            assert message.type == aiohttp.WSMsgType.BINARY, (text, shown, message)
            shown += ESCAPES.sub("", message.data.decode())
    return shown


async def closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Until the server has closed the socket."""
    async with asyncio.timeout(SECONDS_AT_MOST):
        while (await socket.receive()).type != aiohttp.WSMsgType.CLOSED:
            pass


async def typed(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
    await socket.send_str(json.dumps(["stdin", text]))
