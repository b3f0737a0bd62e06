"""The application in Chromium, and what other pages of the same browser can do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from chromium import PROGRAM, Tab, chromium
from serving import Served, application, serving

from ageui.store.example import shipped_example

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed"),
]


def use(scenario: Any, folder: Path) -> None:
    async def play() -> None:
        async with serving(application(shipped_example())) as served, chromium(folder) as tab:
            await tab.open(served.links[0])
            await tab.until_shown("253 runs")
            await scenario(tab, served)

    asyncio.run(play())


_CLIPBOARD = """
new Promise(tell => {
  const look = () => navigator.clipboard.readText().then(text => text ? tell(text) : setTimeout(look, 20));
  look();
})
"""


def test_filter_mouse_clipboard_and_download(tmp_path: Path) -> None:
    async def scenario(tab: Tab, served: Served) -> None:
        await tab.press("/")
        await tab.press("tag=demo loss=mape")
        await tab.until_shown("4 of 253 runs")
        await tab.press("Enter")
        await tab.until_shown("? keys")

        screen = await tab.evaluate("document.querySelector('.xterm-screen').getBoundingClientRect().toJSON()")
        await tab.click(screen["right"] - 20, screen["bottom"] - 8)  # the key at the end of the last line
        await tab.until_shown("Select, move down")
        await tab.press("Escape")
        await tab.until(lambda: "Select, move down" not in tab.screen.text, "the list of keys closes")

        allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        await tab.call("Browser.grantPermissions", origin=served.address, permissions=allowed)
        await tab.press("y")
        assert (await tab.evaluate(_CLIPBOARD)).startswith("ageui run ")

        await tab.press("\x01")  # ctrl+a
        await tab.until_shown("4 selected")
        for key, shown in (("c", "4 runs on appa-real"), ("X", "Export as"), ("Enter", "in the browser's downloads")):
            await tab.press(key)
            await tab.until_shown(shown)
        await tab.press("Enter")
        await tab.until(lambda: tab.downloaded, "a download")
        table = (tmp_path / "downloads" / "comparison.md").read_text(encoding="utf-8")
        assert table.startswith("| run | weights | MAE |")

        everything = {address.split("/")[2] for address in tab.requested if not address.startswith("data:")}
        assert everything == {served.address.removeprefix("http://")}
        assert not tab.problems

    use(scenario, tmp_path)


_HOSTILE = """
Promise.all([
  fetch("{served}/login", {{method: "POST", body: "{token}"}}).then(a => a.status, () => "refused"),
  fetch("{page}", {{credentials: "include"}}).then(a => a.status, () => "refused"),
  new Promise(tell => {{
    const socket = new WebSocket("{page}ws".replace("http", "ws"));
    socket.onopen = () => tell("open");
    socket.onerror = () => tell("refused");
  }}),
  new Promise(tell => {{
    const frame = document.createElement("iframe");
    frame.src = "{page}";
    frame.onload = () => tell("refused");  // what it shows is not for this page to see; the browser reports it
    document.body.append(frame);
  }}),
])
"""


def test_a_server_of_another_user_gets_neither_the_cookie_nor_the_application(tmp_path: Path) -> None:
    """Even if that user knew the secret path, and the token of the next link."""
    cookies: list[str] = []

    async def page_of_another_user(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie", ""))
        return web.Response(text="<body></body>", content_type="text/html")

    async def scenario(tab: Tab, served: Served) -> None:
        page = await tab.evaluate("location.href")
        app = web.Application()
        app.add_routes([web.get("/{any:.*}", page_of_another_user)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            for host in ("127.0.0.1", "localhost"):
                address = f"http://{host}:{runner.addresses[0][1]}/"
                await tab.open(address)
                code = _HOSTILE.format(served=served.address, page=page, token=served.token)
                assert await tab.evaluate(code) == ["refused"] * 4, host
                assert any("frame-ancestors" in problem for problem in tab.problems)
        finally:
            await runner.cleanup()
        assert cookies
        assert not any(cookies)

    use(scenario, tmp_path)
