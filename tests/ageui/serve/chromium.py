"""Chromium without a screen, driven by its DevTools protocol."""

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from serving import SECONDS_AT_MOST, Screen

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40}


class Tab:
    """A page: `screen` is what its socket brought, `requested` are the addresses it asked for, `problems` what
    the browser complained about."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session = ""
        self._news, self._loaded = asyncio.Event(), False
        self.screen = Screen()
        self.requested: list[str] = []
        self.problems: list[str] = []
        self.downloaded: list[str] = []

    def listen(self) -> asyncio.Task[None]:
        self._listening = asyncio.create_task(self._listen())
        return self._listening

    async def _listen(self) -> None:
        async for message in self._socket:
            event = json.loads(message.data)
            if (answer := self._answers.pop(event.get("id", 0), None)) is not None:
                answer.set_result(event)
            self._note(event.get("method", ""), event.get("params", {}))
            self._news.set()

    def _note(self, method: str, values: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(values["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(values["url"])
            case "Network.webSocketFrameReceived" if values["response"]["opcode"] == 2:
                self.screen.take(base64.b64decode(values["response"]["payloadData"]))
            case "Page.loadEventFired":
                self._loaded = True
            case "Log.entryAdded" if values["entry"]["level"] in ("error", "warning"):
                self.problems.append(values["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.problems.append(values["exceptionDetails"]["exception"]["description"])
            case "Browser.downloadProgress" if values["state"] == "completed":
                self.downloaded.append(values["guid"])

    async def call(self, method: str, **values: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": values, **session}))
        answer = await asyncio.wait_for(self._answers[number], SECONDS_AT_MOST)
        assert "error" not in answer, (method, answer)
        return dict(answer["result"])

    async def attach(self) -> None:
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Network", "Log", "Runtime", "Page"):
            await self.call(f"{domain}.enable")

    async def open(self, address: str) -> None:
        self._loaded = False
        await self.call("Page.navigate", url=address)
        await self.until(lambda: self._loaded, address)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(SECONDS_AT_MOST):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            if self._listening.done():
                self._listening.result()
            raise AssertionError(f"never came true: {what}\n{self.screen.text}\n{self.problems}") from None

    async def until_shown(self, text: str) -> None:
        await self.until(lambda: text in self.screen.text, text)

    async def press(self, key: str) -> None:
        """Presses a named key, or types a text."""
        if key not in _KEYS:
            for character in key:
                await self.call("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
                await self.call("Input.dispatchKeyEvent", type="keyUp", key=character)
            return
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    async def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    async def evaluate(self, code: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot"))["data"]))


@asynccontextmanager
async def chromium(folder: Path, size: tuple[int, int] = (1200, 800)) -> AsyncIterator[Tab]:
    """A browser with a profile in the folder, which receives downloads, too."""
    assert PROGRAM is not None
    options = [
        "--headless=new", f"--window-size={size[0]},{size[1]}", f"--user-data-dir={folder / 'profile'}",
        "--remote-debugging-port=0", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-dev-shm-usage", "--enable-unsafe-swiftshader",
    ]  # fmt: skip
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *options, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(SECONDS_AT_MOST):
            while b"DevTools listening on " not in (line := await process.stderr.readline()):
                assert line, "Chromium ended"
        address = line.decode().split()[-1]
        async with aiohttp.ClientSession() as client, client.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = tab.listen()
            try:
                origin = {"behavior": "allow", "downloadPath": str(folder / "downloads"), "eventsEnabled": True}
                await tab.call("Browser.setDownloadBehavior", **origin)
                await tab.attach()
                yield tab
            finally:
                listening.cancel()
    finally:
        process.terminate()
        await process.communicate()
