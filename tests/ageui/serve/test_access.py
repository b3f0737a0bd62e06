"""Who is refused: without the token, with a used one, from a foreign page or host, with another's cookie."""

import asyncio
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import aiohttp
import pytest
from serving import browser, log_in, opened, serving

pytestmark = pytest.mark.process


async def _status(client: aiohttp.ClientSession, method: str, url: str, data: str = "", **headers: str) -> int:
    async with client.request(method, url, data=data or None, headers=headers) as answer:
        return answer.status


async def _socket_status(client: aiohttp.ClientSession, page: str, **headers: str) -> int:
    try:
        async with opened(client, page, **headers):
            return 101
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status


def test_a_link_works_once_for_its_own_page_and_the_next_link_for_another_browser() -> None:
    async def scenario() -> None:
        async with serving() as served, browser() as first, browser() as second:
            origin, login = {"Origin": served.address}, f"{served.address}/login"
            token = served.token
            assert await _status(first, "POST", login, "a guess", **origin) == 403
            assert await _status(first, "POST", login, token) == 403, "browsers name the page"
            assert await _status(first, "POST", login, token, Origin="https://example.org") == 403
            assert await _status(first, "POST", login, token, Origin="http://127.0.0.1:1") == 403, "another port"
            assert await _status(first, "POST", login, "x" * 5000, **origin) == 413
            assert await _status(first, "GET", f"{served.address}/{token}/") == 403
            assert served.token == token
            page = await log_in(first, served.links[0])
            assert await _status(first, "POST", login, token, **origin) == 403, "a used token"
            assert len(served.links) == 2
            assert await _status(first, "GET", page) == 200
            assert await _status(second, "GET", page) == 403, "the address without the cookie"
            other = await log_in(second, served.links[1])
            assert await _status(second, "GET", other) == 200
            assert await _status(second, "GET", page) == 403, "the cookie of another browser"

    asyncio.run(scenario())


def test_a_socket_needs_the_cookie_and_the_page_of_this_server() -> None:
    async def scenario() -> None:
        async with serving() as served, browser() as client, browser() as stranger:
            page = await log_in(client, served.links[0])
            assert await _socket_status(stranger, page) == 403
            for origin in ("https://example.org", "http://127.0.0.1:1", "http://localhost", "null", ""):
                assert await _socket_status(client, page, Origin=origin) == 403, origin
            assert await _socket_status(client, page) == 101

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "localhost.example.org:80", "[::1]", ""])
def test_another_host_name_is_refused_even_with_the_cookie(host: str) -> None:
    async def scenario() -> None:
        async with serving() as served, browser() as client:
            page = await log_in(client, served.links[0])
            assert await _status(client, "GET", page) == 200
            assert await _status(client, "GET", page, Host=host) == 403
            assert await _status(client, "GET", served.address, Host=host) == 403
            assert await _socket_status(client, page, Host=host, Origin=f"http://{host}") == 403
            login = f"{served.address}/login"
            assert await _status(client, "POST", login, served.token, Host=host, Origin=f"http://{host}") == 403

    asyncio.run(scenario())


def test_the_cookie_goes_to_its_path_alone_and_pages_load_nothing_from_elsewhere() -> None:
    async def scenario() -> None:
        async with serving() as served, browser() as client:
            answer = await client.post(f"{served.address}/login", data=served.token, headers={"Origin": served.address})
            cookie = next(iter(SimpleCookie(answer.headers["Set-Cookie"]).values()))
            path = await answer.text()
            assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (path, "Strict", True)
            assert cookie["domain"] == cookie["max-age"] == cookie["expires"] == ""
            assert cookie.value not in path
            for place in ("", path, f"{path}static/session.js", f"{path}static/nothing", "/nothing/"):
                answer = await client.get(served.address + place)
                headers, text = answer.headers, await answer.text()
                policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
                assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
                assert policy["script-src"] == "'self'"
                assert policy["connect-src"] == f"'self' ws://{urlsplit(served.address).netloc}"
                assert headers["Referrer-Policy"] == "no-referrer"
                assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
                assert "Access-Control-Allow-Origin" not in headers
                assert "//" not in text.replace("// ", ""), "an address of another host"

    asyncio.run(scenario())
