"""Which files are images, and which files of a folder are skipped."""

from pathlib import Path

import pytest

from engine.data.image_files import chosen_images, is_image_name, is_trace


@pytest.mark.parametrize("name", ["a.jpg", "A.JPG", "b.jpeg", "c.TIF", "d.webp", "e.HEIC", "25_0_1_2017.jpg.chip.jpg"])
def test_images_are_known_by_their_endings(name: str) -> None:
    assert is_image_name(name)
    assert not is_trace(name)


@pytest.mark.parametrize(
    "name", ["._a.jpg", ".DS_Store", ".a.png", "__MACOSX", "Thumbs.db", "thumbs.DB", "desktop.ini"]
)
def test_traces_of_systems_are_known_by_their_names(name: str) -> None:
    assert is_trace(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", "a.jpg.mat", "notes"])
def test_other_files_are_no_images(name: str) -> None:
    assert not is_image_name(name)
    assert not is_trace(name)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("b.png", "a.JPG", "._a.JPG", "deep/er/c.gif", "__MACOSX/a.JPG", "notes.txt", "x.mat", "README"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    (folder / "deep" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "deep", target_is_directory=True)
    return folder


def test_a_folder_is_searched_once_and_in_order(photos: Path) -> None:
    found = chosen_images([photos, photos / "b.png", photos / "notes.txt"])
    assert found.images == [photos / name for name in ("a.JPG", "b.png", "deep/er/c.gif", "notes.txt")]
    assert found.skipped_text == "5 files skipped: 2 hidden, 1 without an ending, 1 .mat, 1 .txt"
    assert found.problems == []


def test_a_link_to_another_folder_is_followed(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "d.png").write_bytes(b"")
    (photos / "linked").symlink_to(tmp_path / "others", target_is_directory=True)
    assert photos / "linked" / "d.png" in chosen_images([photos]).images


def test_a_folder_without_images_is_a_problem(tmp_path: Path) -> None:
    found = chosen_images([tmp_path, tmp_path / "missing.png"])
    assert found.images == [tmp_path / "missing.png"]
    assert found.problems == [(tmp_path, "the folder holds no image files, such as .jpg or .png")]
