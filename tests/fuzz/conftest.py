"""Fixtures of the fuzz test: a folder with images, and a database with a run whose weights predict ages."""

import shutil
from pathlib import Path

import pytest
from broken_folders import put, put_odd_files
from broken_images import whole_images
from commands import Commands
from fresh_run import add_fresh_run

from ageui.store import Store

CASES_OF_A_PART = 250


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deals the cases out in parts, which workers share."""
    if "part" in metafunc.fixturenames:
        metafunc.parametrize("part", range(max(1, metafunc.config.getoption("fuzz") // CASES_OF_A_PART)))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database with the run `fresh`."""
    folder = tmp_path_factory.mktemp("trained")
    with Store.open(folder / "runs.db") as store:
        add_fresh_run(store)
    return folder


@pytest.fixture
def commands(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands in a folder with a database, good images in `img`, and things that are no images."""
    folder = tmp_path / "here"
    shutil.copytree(trained, folder)
    for number, content in enumerate(whole_images()[:8]):
        put(folder / "img" / f"{number}.jpg", content)
    put_odd_files(folder)
    (folder / "ignored.txt").write_text("img/1.jpg\nnosuch.jpg\n\x1b[2J\n")
    monkeypatch.chdir(folder)
    return Commands(folder, monkeypatch)
