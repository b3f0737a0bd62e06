"""Streams that fail, close or lack characters: what commands say, and with which exit code they end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from terminal import Done, Terminal

from ageui.cli.streams import text_stream

Typed = Callable[..., Done]

OUTPUT = (("ls",), ("ls", "--json"), ("--help",), ("show", "1"), ("compare", "1", "2", "--format", "csv"))


@pytest.fixture
def published(ageui: Terminal) -> Terminal:
    """A terminal in a folder whose database holds the published figures."""
    assert ageui("study", "publish").code == 0
    return ageui


@pytest.fixture
def onto(published: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], Typed]:
    """Commands whose stdout is a file descriptor with an encoding."""

    def typed_onto(descriptor: int, encoding: str = "utf-8") -> Typed:
        def typed(*arguments: str) -> Done:
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stdout", text_stream(descriptor, encoding))
                return published(*arguments)

        return typed

    return typed_onto


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", OUTPUT)
def test_output_that_finds_no_room_is_an_error_in_one_line(
    onto: Callable[[int], Typed], arguments: tuple[str, ...]
) -> None:
    with open("/dev/full", "wb") as full:
        done = onto(full.fileno())(*arguments)
    assert (done.code, done.err) == (3, "ageui: the output cannot be written: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_work_that_is_stored_keeps_its_exit_code_if_its_output_is_lost(onto: Callable[[int], Typed]) -> None:
    with open("/dev/full", "wb") as full:
        done = onto(full.fileno())("db", "prune", "--json")
    assert (done.code, done.err) == (0, "ageui: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("arguments", OUTPUT)
def test_a_reader_that_leaves_early_is_no_error(onto: Callable[[int], Typed], arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = onto(writer)(*arguments)
    os.close(writer)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "euc-jp"])
def test_text_fits_terminals_that_are_not_utf8(
    onto: Callable[[int, str], Typed], encoding: str, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("wb") as file:
        typed = onto(file.fileno(), encoding)
        for line in ("ls", "show 1", "--help", "compare 1 2", "study show table8", "explain bias", "queue"):
            assert typed(*line.split()).code == 0
    assert "report/table1/none" in (tmp_path / "out").read_text(encoding)


@pytest.mark.parametrize(
    "arguments", [("ls", "--json"), ("ls", "--format", "md"), ("study", "export", "table8", "--format", "csv")]
)
def test_file_formats_are_utf8_wherever_they_go(
    onto: Callable[[int, str], Typed], published: Terminal, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with (tmp_path / "out").open("wb") as file:
        assert onto(file.fileno(), "ascii")(*arguments).code == 0
    assert (tmp_path / "out").read_text() == published(*arguments).out


def test_marks_of_one_place_differ_in_ascii(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file, closing(text_stream(file.fileno(), "ascii")) as stream:
        stream.write("★~✔≈≠◆◇∅ ·▶⏸✓↯✗⊘‖ −1.00 ±0.50 é \udcff")
    marks, symbols, *rest = (tmp_path / "out").read_bytes().split(b" ")
    assert len(set(marks)) == len(set(symbols)) == 8
    assert rest == [b"-1.00", b"+-0.50", b"\\xe9", b"\xff"], "bytes of a name that is no text stay"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("show caf\udcff", 2, "the filter 'caf\ufffd' has a control, invisible or undecodable"),
        ("data add caf\udcff file", 2, "the data set name 'caf\ufffd' has a control, invisible or undecodable"),
        ("data add odd fa\udcffces", 2, "the path fa\ufffdces is not valid"),
        ("db backup caf\udcff.db", 0, "to caf\ufffd.db"),
    ],
)
def test_arguments_that_are_no_text_are_named_in_a_message(
    published: Terminal, line: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").touch()
    Path("fa\udcffces").mkdir()
    with (tmp_path / "err").open("wb") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", text_stream(file.fileno(), "utf-8"))
        assert published(*line.split()).code == code
    assert said in (tmp_path / "err").read_text(errors="replace")


@pytest.mark.process
def test_closed_streams_end_no_command_and_messages_go_into_no_file(published: Terminal) -> None:
    command = f"{sys.executable} -m ageui"
    script = f"{command} ls >&- & {command} ls -n 1 --json 2>&- && wait $!"
    done = subprocess.run(["bash", "-c", script], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)[0]["id"]
    assert published("db", "check").code == 0
