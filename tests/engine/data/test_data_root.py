"""A data set on a machine that has its files elsewhere."""

import shutil
from pathlib import Path

import pytest
from tiny_runs import Runner

from engine.data.check import examine
from engine.data.data_root import below_root, images_digest
from engine.data.make_faces import make_faces
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions
from engine.errors import DataError
from engine.events import Noted, RunStarted


def _folder(path: Path) -> str:
    path.mkdir(parents=True)
    return str(path)


def test_the_longest_end_below_the_root_is_read(tmp_path: Path) -> None:
    root = tmp_path / "data"
    spec = DataSpec(name="faces", format="table", path="/home/me/faces/labels.csv", images="/home/me/faces/images")
    images = _folder(root / "me" / "faces" / "images")
    _folder(root / "images")
    (root / "labels.csv").touch()
    found = below_root(spec, root)
    assert (found.path, found.images, found.ignore) == (str(root / "labels.csv"), images, None)
    assert below_root(BUILT_IN, root) == BUILT_IN


def test_a_path_that_the_machine_has_is_kept_and_one_that_it_lacks_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = DataSpec(name="faces", format="course", path=_folder(tmp_path / "faces"))
    assert below_root(spec, tmp_path / "none") == spec
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    gone = DataSpec(name="faces", format="course", path="/home/me/faces")
    with pytest.raises(DataError, match=r"'faces': the machine node7 has neither /home/me/faces .*none/faces; copy"):
        below_root(gone, tmp_path / "none")


@pytest.mark.simulation
def test_a_run_on_moved_data_is_the_same_run(runner: Runner) -> None:
    here, there = runner.folder / "here" / "faces", runner.folder / "there" / "faces"
    make_faces(here, SyntheticOptions(counts=(40, 20, 20), image_size=32))
    runner.spec = DataSpec(name="faces", format="course", path=str(here))
    registered = examine(runner.spec)
    first = runner(epochs=1)
    there.parent.mkdir()
    here.rename(there)
    runner.data_root = there.parent
    with pytest.raises(DataError, match=rf"'faces': {there} on .* cannot be compared with .*: ageui data check faces"):
        runner(epochs=1)
    runner.images_digest = images_digest(registered.content.values())
    second = runner(epochs=1)
    assert first.best.sha256 == second.best.sha256
    assert first.all(RunStarted)[0].manifest["data"] == second.all(RunStarted)[0].manifest["data"]
    assert f"data set 'faces' is read from {there}" in [note.message for note in second.all(Noted)]
    shutil.rmtree(there)
    make_faces(there, SyntheticOptions(counts=(40, 20, 20), image_size=32, seed=1))
    with pytest.raises(DataError, match="holds other images than the data set that was registered"):
        runner(epochs=1)
