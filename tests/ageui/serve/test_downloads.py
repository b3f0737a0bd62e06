"""Downloads arrive whole, or not at all."""

import asyncio
from typing import Any

import pytest
from serving import SECONDS_AT_MOST, browser, log_in, opened, serving, stub

from ageui.serve import downloads
from ageui.serve.downloads import Downloads

ANNOUNCES = """
import json
file = {"type": "deliver_file_start", "key": "k1", "path": "a.csv", "open_method": "download",
        "mime_type": "text/csv", "encoding": ""}
content = json.dumps(file).encode()
os.write(1, b"M" + len(content).to_bytes(4, "big") + content)
"""


class _Application:
    app_service_id = "one"

    def __init__(self, managed: Downloads, parts: list[bytes | None]) -> None:
        self._managed, self._parts = managed, parts

    async def send_meta(self, request: dict[str, Any]) -> bool:
        if self._parts:
            await self._managed._active_downloads[request["key"]].incoming_chunks.put(self._parts.pop(0))
        return True


async def _content(parts: list[bytes | None]) -> bytes:
    managed = Downloads()
    await managed.create_download(
        app_service=_Application(managed, parts),  # type: ignore[arg-type]
        delivery_key="k1",
        file_name="a.csv",
        open_method="download",
        mime_type="text/csv",
    )
    try:
        return await managed.whole("k1")
    finally:
        with pytest.raises(KeyError):
            await managed.whole("k1")


def test_a_file_is_the_sum_of_its_parts() -> None:
    assert asyncio.run(_content([b"ab", b"c", b""])) == b"abc"


@pytest.mark.parametrize("parts", [[b"ab"], [b"ab", None]])
def test_a_part_of_a_file_is_no_file(monkeypatch: pytest.MonkeyPatch, parts: list[bytes | None]) -> None:
    monkeypatch.setattr(downloads, "SECONDS_FOR_A_PART", 0.01)
    with pytest.raises(ConnectionError, match="download the file again"):
        asyncio.run(_content(parts))


@pytest.mark.process
@pytest.mark.parametrize("then", ["sys.stdin.read()", "os.read(0, 1)"])
def test_a_browser_sees_that_a_download_failed(monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    monkeypatch.setattr(downloads, "SECONDS_FOR_A_PART", 0.1 if "stdin" in then else SECONDS_AT_MOST)

    async def scenario() -> None:
        async with (
            serving(stub(ANNOUNCES + then)) as served,
            browser() as client,
            opened(client, page := await log_in(client, served.links[0])) as socket,
        ):
            await socket.receive()
            assert (await socket.receive_json()) == ["deliver_file_start", "k1"]
            answer = await client.get(f"{page}download/k1")
            assert (answer.status, "download the file again" in await answer.text()) == (504, True)
            assert (await client.get(f"{page}download/k1")).status == 404

    asyncio.run(scenario())
