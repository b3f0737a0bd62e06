"""Who may use the server: a link with a token that works once, then a cookie and a secret path for that browser.

A browser sends the cookies of 127.0.0.1 to every port of that host, and so to servers of other users of this machine.
The cookie of a browser is therefore limited to a path that no other server knows.
"""

import re
import secrets
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

COOKIE: Final = "ageui"
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No script, font or picture of another host, and no frame around the page. The terminal needs styles of its own."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Access:
    """The current token, and the cookies of the browsers that showed one, by their secret paths."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self._cookies: dict[str, str] = {}

    def exchange(self, token: bytes) -> str | None:
        """The secret path of a new browser for the current token, which is replaced; None for any other token."""
        if not secrets.compare_digest(token, self.token.encode()):
            return None
        self.token = secrets.token_urlsafe(32)
        path = secrets.token_urlsafe(32)
        self._cookies[path] = secrets.token_urlsafe(32)
        return path

    def cookie(self, path: str) -> str:
        return self._cookies[path]

    def admits(self, path: str, cookie: str) -> bool:
        expected, given = self._cookies.get(path, ""), cookie.encode("utf-8", "surrogateescape")
        return expected != "" and secrets.compare_digest(given, expected.encode())


@web.middleware
async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses other host names, which lead here if their owner wants it, and requests of pages of other origins.

    Browsers send the origin with every WebSocket and every request that sends content.
    """
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    needs_origin = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
    if not _HOST.fullmatch(host):
        raise web.HTTPForbidden(text="This server answers to 127.0.0.1 and localhost only.\n")
    if origin != f"http://{host}" and (needs_origin or origin is not None):
        raise web.HTTPForbidden(text="Another page must not use this server.\n")
    return await handler(request)


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the headers that keep a page from loading, sending or being framed elsewhere."""
    host = request.headers.get("Host", "")
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = _POLICY.format(host=host if _HOST.fullmatch(host) else "127.0.0.1")
