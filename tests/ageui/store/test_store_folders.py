"""Which folder holds the files of a database: moved, copied, renamed, emptied, upgraded, or beside others."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from processes_at_once import exit_codes_at_once
from store_rows import best, queued, running

from ageui.store import Store
from ageui.store.folder_marker import MARKER
from ageui.store.sqlite import driver
from engine.errors import ConfigError, StoreError

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with `runs.db` and a run in it whose weights are in `runs/1`."""
    folder = tmp_path / "project"
    folder.mkdir()
    with Store.open(folder / "runs.db") as store:
        _with_weights(store)
    return folder


def _with_weights(store: Store) -> Path:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        content = f"weights of {store.path.name} {run_id}".encode()
        writer.checkpoint(best(10, hashlib.sha256(content).hexdigest()))
        writer.end("done", "")
    file = store.checkpoint_file(store.runs.detail(run_id).checkpoints[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def _stored(path: Path) -> tuple[str, str]:
    """The identity and the folder that a database stores."""
    connection = driver().connect(str(path))
    try:
        return tuple(connection.execute("SELECT uuid, files FROM database").fetchone())
    finally:
        connection.close()


def _weights(path: Path) -> list[bytes]:
    """The kept weights that the rows of a database lead to."""
    with Store.open(path, read_only=True) as store:
        return [store.checkpoint_file(row).read_bytes() for row, _, _ in store.runs.checkpoints()]


def _folder(path: Path, *, read_only: bool = False) -> Path:
    with Store.open(path, read_only=read_only) as store:
        return store.folder


def _unmarked(folder: Path) -> None:
    """A folder of an earlier version."""
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "weights.safetensors").write_bytes(b"theirs")


def test_the_folder_is_there_and_stored_from_the_start(tmp_path: Path) -> None:
    Store.open(tmp_path / "runs.db").close()
    identity, files = _stored(tmp_path / "runs.db")
    assert files == "runs"
    assert json.loads((tmp_path / "runs" / MARKER).read_text()) == {"uuid": identity, "database": "runs.db"}
    assert (tmp_path / "runs").stat().st_mode & 0o777 == 0o700
    Store.open(tmp_path / "plain").close()
    assert _stored(tmp_path / "plain")[1] == "plain-files"


def test_a_project_is_moved_and_copied_as_a_whole(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    moved = project.rename(tmp_path / "moved")
    for folder in (copy, moved):
        assert _folder(folder / "runs.db") == folder / "runs"
        with Store.open(folder / "runs.db") as store:
            _with_weights(store)
        assert _weights(folder / "runs.db") == [b"weights of runs.db 1", b"weights of runs.db 2"]
        assert sorted(item.name for item in folder.glob("runs*/")) == ["runs"]


@pytest.mark.parametrize("name", ["runs.bak", "runs.sqlite", "exp.db"])
def test_a_copy_beside_the_original_gets_a_folder_and_an_identity_with_its_first_change(
    project: Path, name: str
) -> None:
    original, copy = project / "runs.db", project / name
    shutil.copyfile(original, copy)
    read = _folder(copy, read_only=True)
    assert read != project / "runs"
    assert not read.exists()
    assert _stored(copy) == _stored(original)
    with Store.open(copy) as store:
        assert store.folder == read
        assert _with_weights(store) == read / "2" / "weights.safetensors"
    assert _stored(copy)[0] != _stored(original)[0]
    assert _weights(copy) == [b"weights of runs.db 1", f"weights of {name} 2".encode()]
    assert _folder(original) == project / "runs"
    with Store.open(original) as store:
        assert _with_weights(store) == project / "runs" / "2" / "weights.safetensors"
    assert _weights(original)[1] == b"weights of runs.db 2"


def test_a_renamed_database_takes_its_folder_along_and_the_next_one_gets_another(project: Path) -> None:
    (project / "runs.db").rename(project / "exp.db")
    assert _folder(project / "runs.db") == project / "runs-2"
    assert _folder(project / "exp.db", read_only=True) == project / "runs"
    assert _folder(project / "exp.db") == project / "runs"
    assert json.loads((project / "runs" / MARKER).read_text())["database"] == "exp.db"
    assert _folder(project / "runs.db") == project / "runs-2"


@pytest.mark.parametrize("what", ["emptied", "deleted", "without a marker"])
def test_a_new_database_beside_the_files_of_another_leaves_them_alone(project: Path, what: str) -> None:
    path = project / "runs.db"
    path.unlink()
    if what == "emptied":
        path.touch()
    if what == "without a marker":
        (project / "runs" / MARKER).unlink()
    with Store.open(path) as store:
        assert _with_weights(store) == project / "runs-2" / "1" / "weights.safetensors"
    assert (project / "runs" / "1" / "weights.safetensors").read_bytes() == b"weights of runs.db 1"


def test_a_restored_backup_keeps_its_folder_and_counts_on_after_the_runs_in_it(project: Path, tmp_path: Path) -> None:
    with Store.open(project / "runs.db") as store:
        store.copy_to(tmp_path / "backup.db")
        later = _with_weights(store)
    shutil.copyfile(tmp_path / "backup.db", project / "runs.db")
    with Store.open(project / "runs.db") as store:
        assert store.folder == project / "runs"
        assert store.runs.ids() == [1]
        assert _with_weights(store) == project / "runs" / "3" / "weights.safetensors"
    assert later.read_bytes() == b"weights of runs.db 2"


def test_a_database_that_is_moved_alone_makes_a_new_folder_or_leaves_that_of_another(
    project: Path, tmp_path: Path
) -> None:
    for number, name in enumerate(("empty", "marked", "unmarked")):
        place = tmp_path / name
        place.mkdir()
        if name == "marked":
            Store.open(place / "runs.sqlite").close()
            (place / "runs" / "1").mkdir()
        if name == "unmarked":
            _unmarked(place / "runs")
        shutil.copyfile(project / "runs.db", place / "runs.db")
        assert _folder(place / "runs.db") == place / ("runs-2" if number else "runs"), name


def test_the_folder_may_be_chosen_once(project: Path, tmp_path: Path) -> None:
    path, chosen = tmp_path / "runs.db", tmp_path / "disk" / "files"
    with Store.open(path, files=chosen) as store:
        assert store.folder == chosen
    assert _stored(path)[1] == "disk/files"
    Store.open(path, files=chosen).close()
    with pytest.raises(
        ConfigError,
        match=r"--files .*/other: the files of .* are in .*disk/files, not there; .*: ageui db files .*/other",
    ):
        Store.open(path, files=tmp_path / "other")
    with pytest.raises(ConfigError, match=r"in use or holds other files; choose a new or empty folder"):
        Store.open(tmp_path / "new.db", files=project)
    far = project / "far.db"
    Store.open(far, files=tmp_path / "far").close()
    assert _stored(far)[1] == str(tmp_path / "far")
    copy = shutil.copyfile(far, tmp_path / "copy.db")
    assert _folder(copy) == tmp_path / "copy"
    assert _folder(far) == tmp_path / "far"
    shutil.rmtree(tmp_path / "far")
    with pytest.raises(StoreError, match=r"far, the folder .* is missing; mount its disk.*mkdir"):
        Store.open(far)


def test_a_folder_behind_a_link_belongs_to_one_of_two_copies(project: Path, tmp_path: Path) -> None:
    disk = (project / "runs").rename(tmp_path / "disk")
    (project / "runs").symlink_to(disk)
    assert _folder(project / "runs.db") == project / "runs"
    copy = shutil.copytree(project, tmp_path / "copy", symlinks=True)
    assert _folder(copy / "runs.db") == copy / "runs-2"
    assert _folder(project / "runs.db") == project / "runs"
    assert _weights(copy / "runs.db") == [b"weights of runs.db 1"]


@pytest.mark.parametrize(
    ("names", "owner"),
    [
        (("runs.db", "runs.bak", "runs.sqlite"), "runs.db"),
        (("runs.bak",), "runs.bak"),
        (("runs.bak", "runs.sqlite"), None),
    ],
)
def test_of_earlier_databases_with_one_folder_the_one_that_clearly_owns_it_keeps_it(
    tmp_path: Path, names: tuple[str, ...], owner: str | None
) -> None:
    _unmarked(tmp_path / "runs")
    for name in names:
        shutil.copyfile(SCHEMAS / "v5.db", tmp_path / name)
    (tmp_path / "runs.txt").write_text("no database")
    folders = {name: _folder(tmp_path / name) for name in reversed(names)}
    assert [name for name, folder in folders.items() if folder == tmp_path / "runs"] == ([owner] if owner else [])
    assert len(set(folders.values())) == len(names)


def test_a_database_that_is_upgraded_again_keeps_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / "v5.db", path)
    _unmarked(tmp_path / "runs")
    for _ in range(2):
        assert _folder(path) == tmp_path / "runs"
        shutil.copyfile(tmp_path / "runs.db.schema5", path)
    path.rename(tmp_path / "exp.db")
    assert _folder(tmp_path / "exp.db") == tmp_path / "exp"


@pytest.mark.parametrize("kind", ["new", "upgraded", "emptied"])
def test_a_kill_while_the_folder_is_marked_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path, part = tmp_path / "runs.db", tmp_path / "runs" / f".{MARKER}.0123abcd.part"
    if kind == "emptied":
        Store.open(path).close()
        (tmp_path / "runs" / MARKER).unlink()
    if kind == "upgraded":
        shutil.copyfile(SCHEMAS / "v5.db", path)
        _unmarked(tmp_path / "runs")

    def killed(file: object, *options: object) -> None:
        assert list(tmp_path.glob("runs/*.json")) == []
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.link", killed)
        with pytest.raises(KeyboardInterrupt):
            Store.open(path)
    part.write_bytes(b'{"uuid"')
    assert _folder(path) == tmp_path / "runs"
    assert not part.exists()


def test_a_damaged_marker_belongs_to_nobody(project: Path) -> None:
    (project / "runs" / MARKER).write_text("{")
    assert _folder(project / "runs.db") == project / "runs-2"
    assert _weights(project / "runs.db") == [b"weights of runs.db 1"]


def test_a_removed_marker_is_written_again_where_the_weights_tell_whose_the_folder_is(project: Path) -> None:
    (project / "runs" / MARKER).unlink()
    assert _folder(project / "runs.db") == project / "runs"
    assert (project / "runs" / MARKER).exists()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, write: object, **options: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("ageui.store.folder_marker.write_atomically", full)
    with pytest.raises(StoreError, match=r"run folder of .*runs.db cannot be written: .*No space left"):
        Store.open(tmp_path / "runs.db")


def _open_and_write(path: Path) -> None:
    with Store.open(path) as store:
        (store.folder / str(queued(store))).mkdir()


@pytest.mark.process
def test_processes_that_open_a_copy_at_once_agree_on_its_folder(project: Path) -> None:
    copy = shutil.copyfile(project / "runs.db", project / "exp.db")
    assert exit_codes_at_once(_open_and_write, [copy] * 4) == [0] * 4
    assert sorted(folder.name for folder in project.iterdir() if folder.is_dir()) == ["exp", "runs"]
    assert sorted(item.name for item in (project / "exp").iterdir()) == ["2", "3", "4", "5", MARKER]


@pytest.mark.process
def test_new_databases_of_one_stem_get_a_folder_each(tmp_path: Path) -> None:
    paths = [tmp_path / f"runs.{end}" for end in ("db", "sqlite", "sqlite3", "bak")]
    assert exit_codes_at_once(_open_and_write, paths) == [0] * 4
    assert sorted(folder.name for folder in tmp_path.iterdir() if folder.is_dir()) == [
        "runs", "runs-2", "runs-3", "runs-4",
    ]  # fmt: skip
    assert len({_folder(path) for path in paths}) == 4
