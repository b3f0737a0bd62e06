"""A server in this process, and browsers that are a client of aiohttp."""

import asyncio
import codecs
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

SECONDS_AT_MOST = 60.0
_PARTS = re.compile(
    r"\x1b\[(?P<line>\d+);(?P<column>\d+)H|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|.)|(?P<shown>.)", re.S
)


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


class Screen:
    """What a terminal shows, as far as the application uses one."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[int, str]] = {}
        self._line = self._column = 0
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def take(self, content: bytes) -> None:
        for part in _PARTS.finditer(self._decode(content)):
            if part["line"]:
                self._line, self._column = int(part["line"]) - 1, int(part["column"]) - 1
            elif part["shown"] == "\n":
                self._line, self._column = self._line + 1, 0
            elif part["shown"]:
                self._lines.setdefault(self._line, {})[self._column] = part["shown"]
                self._column += 1

    @property
    def text(self) -> str:
        lines = (self._lines[number] for number in sorted(self._lines))
        return "\n".join("".join(line.get(column, " ") for column in range(max(line) + 1)) for line in lines)


async def seen(socket: aiohttp.ClientWebSocketResponse, text: str, screen: Screen | None = None) -> str:
    """What the page shows, once that includes a text."""
    screen = screen or Screen()
    async with asyncio.timeout(SECONDS_AT_MOST):
        while text not in screen.text:
            message = await socket.receive()
            assert message.type == aiohttp.WSMsgType.BINARY, (text, screen.text, message)
            screen.take(message.data)
    return screen.text


async def closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Until the server has closed the socket."""
    async with asyncio.timeout(SECONDS_AT_MOST):
        while (await socket.receive()).type != aiohttp.WSMsgType.CLOSED:
            pass


async def typed(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
    await socket.send_str(json.dumps(["stdin", text]))
