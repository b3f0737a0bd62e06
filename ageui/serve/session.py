"""A process with the application, which a page in a browser shows through its WebSocket."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from ageui.serve.driver import SECONDS_TO_END, SessionDriver

_SECONDS_TO_READ: Final = 10.0
"""The time in which the application must take a key."""
_COLUMNS, _LINES = range(20, 1001), range(5, 401)


class Session(AppService):
    """Starts `command` for a socket, and ends it with the socket; the socket ends with the process, too."""

    def __init__(self, command: Sequence[str], socket: web.WebSocketResponse, downloads: DownloadManager) -> None:
        async def write_bytes(content: bytes) -> None:
            # Reads on without a socket, because a full pipe would keep the process from its end.
            with suppress(ConnectionError):
                await socket.send_bytes(content)

        async def write_str(text: str) -> None:
            with suppress(ConnectionError):
                await socket.send_str(text)

        async def close() -> None:
            await socket.close()

        super().__init__("", write_bytes=write_bytes, write_str=write_str, close=close, download_manager=downloads)
        self._arguments, self._socket = tuple(command), socket

    async def show(self, columns: object, lines: object) -> None:
        """Runs the application until its process or the socket ends."""
        try:
            await self.start(_within(columns, _COLUMNS), _within(lines, _LINES))
            async for message in self._socket:
                if message.type == WSMsgType.TEXT:
                    await asyncio.wait_for(self._take(message.json()), _SECONDS_TO_READ)
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError, TimeoutError):
            await self._socket.close()  # no page of ours, or an application that hangs
        finally:
            await self.stop()

    async def _take(self, message: Any) -> None:
        kind, *values = message
        match kind:
            case "stdin":
                await self.send_bytes(str(values[0]).encode("utf-8", "replace"))
            case "resize":
                await self.set_terminal_size(
                    _within(values[0]["width"], _COLUMNS), _within(values[0]["height"], _LINES)
                )
            case "ping":
                await self.remote_write_str(json.dumps(["pong", values[0]]))
            case "blur":
                await self.blur()
            case "focus":
                await self.focus()

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        driver = f"{SessionDriver.__module__}:{SessionDriver.__qualname__}"
        return {**super()._build_environment(width, height), "TEXTUAL_DRIVER": driver}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Without a shell, and in a session of its own, so that ctrl+c in the terminal reaches the server alone."""
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self._socket.close()

    async def stop(self) -> None:
        """Ends the process by the end of its input; kills it if that takes longer than its own limit."""
        process, task = self._process, self._task
        if process is None or task is None:
            return
        try:
            await self._download_manager.cancel_app_downloads(self.app_service_id)
            self.stdin.close()
            await asyncio.wait_for(asyncio.gather(task, process.wait(), return_exceptions=True), SECONDS_TO_END + 1)
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _within(size: object, allowed: range) -> int:
    """A size in cells, moved into the range. Raises `ValueError`, `TypeError` or `OverflowError` for no number."""
    return min(max(int(size), allowed[0]), allowed[-1])  # type: ignore[call-overload, no-any-return]
