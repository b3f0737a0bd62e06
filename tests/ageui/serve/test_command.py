"""`ageui serve` as a command: its link, its end, and its refusals."""

import asyncio
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from living import processes_of
from serving import browser, log_in, opened, seen
from store_rows import queued
from terminal import Terminal, wait_until

from ageui.serve.__main__ import main
from ageui.store import Store
from ageui.store.connect import READ_ONLY_VARIABLE

pytestmark = pytest.mark.process


@contextmanager
def _command(store: Store) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A server without a terminal, and the file with its link."""
    command = [sys.executable, "-P", "-m", "ageui", "serve", "--port", "0", "--db", str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"a link that works once is in (\S+)$", said)
            assert found is not None, said
            wait_until(Path(found[1]).exists)
            yield process, Path(found[1])
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_sessions_end_with_the_server_and_the_link_is_for_its_owner_alone(store: Store, number: signal.Signals) -> None:
    queued(store, "shown")

    async def scenario(process: "subprocess.Popen[str]", file: Path) -> None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        link = file.read_text().strip()
        async with browser() as client:
            page = await log_in(client, link)
            async with opened(client, page) as socket:
                await seen(socket, "shown")
                (session,) = psutil.Process(process.pid).children()
                secrets = [link.partition("#")[2], page.rstrip("/").rpartition("/")[2]]
                secrets += [cookie.value for cookie in client.cookie_jar]
                for one in (psutil.Process(process.pid), session):
                    known = " ".join([*one.cmdline(), *map(str, one.environ().values())])
                    assert not any(secret in known for secret in secrets)
                process.send_signal(number)
                await asyncio.to_thread(process.wait)
                await asyncio.to_thread(wait_until, lambda: not processes_of(store.path.parent))
        assert process.stdout is not None
        rest = process.stdout.read()
        assert not any(secret in rest for secret in secrets)
        assert number == signal.SIGKILL or (process.returncode, file.exists()) == (0, False)

    with _command(store) as (process, file):
        asyncio.run(scenario(process, file))


def test_the_process_of_a_page_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setenv(READ_ONLY_VARIABLE, "")
    monkeypatch.setattr("ageui.tui.app.AgeUIApp.run", lambda app: found.append(os.environ[READ_ONLY_VARIABLE]))
    monkeypatch.setattr(sys, "argv", ["ageui.serve", "--db", str(store.path)])
    assert (main(), found) == (0, ["1"])


def test_a_port_in_use_a_missing_database_and_a_missing_extra_are_named(
    ageui: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(Path("runs.db")).close()
    done = ageui("serve", "--db", "none.db")
    assert (done.code, "none.db does not exist" in done.err) == (5, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ageui("serve", "--port", str(port))
    assert done.code == 2
    assert f"port {port} cannot be used" in done.err
    assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("*.link"))
    monkeypatch.setattr("engine.extras.find_spec", lambda package: None)
    done = ageui("serve")
    assert (done.code, "pip install '.[serve]'" in done.err) == (2, True)
