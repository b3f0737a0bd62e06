"""`ageui data sheet`, `check --quick`, and the viewer."""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image
from terminal import Terminal

from ageui.files.viewer import open_in_viewer
from ageui.text import message_lines


def test_a_sheet_is_a_private_picture(faces: Terminal) -> None:
    done = faces("data", "sheet", "faces", "--split", "valid", "--group", "gender=female", "--count", "6")
    assert done.code == 0
    path = Path(done.out.strip())
    assert path.is_relative_to(os.environ["AGEUI_CACHE"])
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert "6 of" in done.err
    assert faces("data", "sheet", "faces", "-o", "all.png").out == "all.png\n"
    assert Path("all.png").is_file()
    refused = faces("data", "sheet", "faces", "-o", "all.png")
    assert (refused.code, "all.png already exists" in refused.err) == (2, True)
    assert faces("data", "sheet", "faces", "-o", "all.png", "--force").code == 0
    assert faces("data", "sheet", "synthetic", "--count", "2", "--group", "age=>=60").code == 0


def test_old_sheets_are_removed(faces: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.cli.data_sheet._KEPT_SHEETS", 3)
    for count in range(1, 6):
        assert faces("data", "sheet", "faces", "--count", str(count)).code == 0
    folder = Path(os.environ["AGEUI_CACHE"]) / "sheets"
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone"], 2, "unknown data set 'gone'"),
        (["faces", "--group", "gender"], 2, "write attribute=group"),
        (["faces", "--group", "gender=x"], 2, "it has male, female"),
        (["faces", "--split", "test"], 3, "no images; choose another split or group"),
        (["faces", "-o", "sheet.jpg"], 2, "end the name in .png"),
        (["faces", "-o", "no/such/sheet.png"], 2, "does not exist; make it first"),
    ],
)
def test_what_cannot_be_drawn_says_why(faces: Terminal, arguments: list[str], code: int, message: str) -> None:
    done = faces("data", "sheet", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_rows_are_counted_without_the_images(faces: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("drawn/train_data/000003.jpg").write_bytes(b"no image")
    quick = faces("data", "check", "faces", "--quick", "--json")
    assert (quick.json["images_read"], quick.json["splits"][0]["images"]) == (False, 70)
    assert "images were not read" in faces("data", "check", "faces", "--quick").out
    monkeypatch.setenv(message_lines.VARIABLE, "1")
    full = faces("data", "check", "faces", "--json")
    assert full.code == 3
    assert full.json["splits"][0]["images"] == 69
    assert message_lines.progress_line("reading images", 120, 120) in full.err.splitlines()


def test_the_viewer_that_is_named_gets_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "viewer.py"
    script.write_text(f"import sys; open({str(seen)!r}, 'w').write(sys.argv[1])")
    monkeypatch.setenv("AGEUI_VIEWER", f"{sys.executable} '{script}'")
    assert "opened with python" in open_in_viewer(tmp_path / "a sheet.png")
    assert seen.read_text() == str(tmp_path / "a sheet.png")


@pytest.mark.parametrize(
    ("viewer", "message"),
    [("false", "exit code 1"), ("no-such-viewer-here", "cannot be started"), ("a 'b", "never closed")],
)
def test_a_viewer_that_fails_leaves_the_file_named(monkeypatch: pytest.MonkeyPatch, viewer: str, message: str) -> None:
    monkeypatch.setenv("AGEUI_VIEWER", viewer)
    told = open_in_viewer(Path("/x/sheet.png"))
    assert message in told
    assert "/x/sheet.png" in told


@pytest.mark.skipif(sys.platform != "linux", reason="macOS always has a viewer")
def test_without_a_screen_the_place_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "AGEUI_VIEWER"):
        monkeypatch.delenv(name, raising=False)
    assert "no screen is available: the file is /x/sheet.png" in open_in_viewer(Path("/x/sheet.png"))


def test_a_sheet_and_a_new_data_set_answer_in_json(faces: Terminal) -> None:
    sheet = faces("data", "sheet", "faces", "--count", "3", "--json").json
    assert Path(sheet["path"]).is_file()
    assert (len(sheet["images"]), sheet["unreadable"]) == (3, [])
    Path("drawn/train_data/000003.jpg").write_bytes(b"no image")
    refused = faces("data", "add", "again", "drawn", "--json")
    assert refused.code == 3
    assert [problem["where"] for problem in refused.json["problems"]] == ["train_data/000003.jpg"]
    added = faces("data", "add", "again", "drawn", "--skip-bad", "--json")
    assert (added.code, added.json["splits"][0]["images"]) == (0, 69)
