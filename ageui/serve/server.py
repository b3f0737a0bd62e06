"""The server of the application's pages, on loopback only."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ageui.serve.access import COOKIE, Access, protect, refuse_foreign
from ageui.serve.downloads import Downloads
from ageui.serve.session import Session
from engine.errors import ConfigError

HOST: Final = "127.0.0.1"
"""A number, because the name localhost may lead a browser to another user's server on ::1."""
_LONGEST_TOKEN: Final = 1 << 10
_LARGEST_MESSAGE: Final = 1 << 20
_SECONDS_TO_CLOSE: Final = 10.0
_PAGES: Final = Path(str(files("ageui.serve") / "pages"))
_TERMINAL: Final = Path(str(files("textual_serve") / "static"))
_STATIC: Final = {
    "session.js": _PAGES / "session.js",
    "session.css": _PAGES / "session.css",
    "textual.js": _TERMINAL / "js" / "textual.js",
    "xterm.css": _TERMINAL / "css" / "xterm.css",
    "roboto.ttf": _TERMINAL / "fonts" / "RobotoMono-VariableFont_wght.ttf",
    "roboto-italic.ttf": _TERMINAL / "fonts" / "RobotoMono-Italic-VariableFont_wght.ttf",
}


class PageServer:
    """Starts `command` for every open page, up to `most_sessions`.

    Calls `announce` with the first link, and with the next one whenever a browser used a link.
    """

    def __init__(self, command: Sequence[str], *, most_sessions: int, announce: Callable[[str], None]) -> None:
        self._command, self._most_sessions, self._announce = tuple(command), most_sessions, announce
        self._access, self._address = Access(), ""
        self._downloads = Downloads()
        self._open: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[refuse_foreign, self._refuse_unknown], client_max_size=_LONGEST_TOKEN)
        app.on_response_prepare.append(protect)
        app.on_shutdown.append(self._close_sockets)
        app.add_routes(
            [
                web.get("/", _file(_PAGES / "login.html")),
                web.get("/login.js", _file(_PAGES / "login.js")),
                web.post("/login", self._log_in),
                web.get("/{path}/", self._page),
                web.get("/{path}/ws", self._socket),
                web.get("/{path}/static/{name}", self._static),
                web.get("/{path}/download/{key}", self._download),
            ]
        )
        return app

    async def run(self, port: int, stopped: asyncio.Event) -> None:
        """Serves until `stopped` is set. Raises `ConfigError` for a port that cannot be used."""
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=_SECONDS_TO_CLOSE)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            self._address = f"http://{HOST}:{runner.addresses[0][1]}/"
            self._announce_link()
            await stopped.wait()
        except OSError as error:
            raise ConfigError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error
        finally:
            await runner.cleanup()

    # Access

    def _announce_link(self) -> None:
        self._announce(f"{self._address}#{self._access.token}")

    @web.middleware
    async def _refuse_unknown(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.match_info.get("path")
        if path is not None and not self._access.admits(path, request.cookies.get(COOKIE, "")):
            raise web.HTTPForbidden(text="Open the link that ageui serve printed; each link works once.\n")
        return await handler(request)

    async def _log_in(self, request: web.Request) -> web.Response:
        path = self._access.exchange(await request.read())
        if path is None:
            raise web.HTTPForbidden(text="This link was used already, or is of an earlier server.\n")
        self._announce_link()
        place = f"/{path}/"
        response = web.Response(text=place)
        response.set_cookie(COOKIE, self._access.cookie(path), path=place, httponly=True, samesite="Strict")
        return response

    # Pages and sessions

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self._refuse_more()
        return web.FileResponse(_PAGES / "session.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        if (file := _STATIC.get(request.match_info["name"])) is None:
            raise web.HTTPNotFound
        return web.FileResponse(file)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._refuse_more()
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE)
        self._open.add(socket)
        try:
            await socket.prepare(request)
            session = Session(self._command, socket, self._downloads)
            await session.show(request.query.get("width", 80), request.query.get("height", 24))
        finally:
            self._open.discard(socket)
        return socket

    def _refuse_more(self) -> None:
        if sum(not socket.closed for socket in self._open) >= self._most_sessions:
            text = f"All {self._most_sessions} sessions are in use. Close another page, then reload this one.\n"
            raise web.HTTPServiceUnavailable(text=text)

    async def _close_sockets(self, app: web.Application) -> None:
        await asyncio.gather(*(socket.close() for socket in self._open))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        try:
            download = await self._downloads.get_download_metadata(key)
            content = await self._downloads.whole(key)
        except KeyError:
            raise web.HTTPNotFound from None
        except ConnectionError as error:
            raise web.HTTPGatewayTimeout(text=f"{error}\n") from None
        return web.Response(
            body=content,
            content_type=download.mime_type,
            headers={"Content-Disposition": f'attachment; filename="{download.file_name}"'},
        )


def _file(path: Path) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


def serve_until_signal(server: PageServer, port: int) -> None:
    """Serves until ctrl+c, or the signal of a closed terminal or a stopped machine."""

    async def serve() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await server.run(port, stopped)

    asyncio.run(serve())
