"""Which layer decides a setting, and who is told."""

from pathlib import Path
from typing import Any

import pytest

from ageui.files.own_settings import user_file
from ageui.planning.settings import Resolved, parse_assignments, read_settings
from engine.errors import ConfigError


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def resolve(flags: dict[str, Any], **basis: Any) -> Resolved:
    return read_settings(**basis).resolve(flags)


def test_each_layer_beats_the_ones_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def batch() -> tuple[int, str]:
        found = resolve(flags, config_file=config_file)
        return found.config.batch, found.origins["batch"]

    flags: dict[str, object] = {}
    config_file: Path | None = None
    assert batch() == (32, "preset quick")
    _write(user_file(), "batch = 11")
    assert batch() == (11, str(user_file()))
    _write(Path("ageui.toml"), "batch = 12")
    assert batch() == (12, "ageui.toml")
    monkeypatch.setenv("AGEUI_BATCH", "13")
    assert batch() == (13, "environment")
    config_file = _write(tmp_path / "mine.toml", "batch = 14")
    assert batch() == (14, str(config_file))
    flags = {"batch": 15}
    assert batch() == (15, "flag")


def test_a_named_preset_beats_files_and_environment_but_no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    _write(Path("ageui.toml"), 'loss = "mae"\nepochs = [3, 4]')
    monkeypatch.setenv("AGEUI_BACKBONE", "resnet34")
    found = resolve({"batch": "16"}, preset="report")
    assert (found.config.loss, found.config.backbone, found.config.batch) == ("mape", "resnet101", 16)
    assert found.config.epochs == (25, 25)
    assert found.preset_origin == "--preset"


@pytest.mark.parametrize(("cuda", "preset"), [(True, "report"), (False, "quick")])
def test_the_preset_follows_the_device_where_none_is_named(cuda: bool, preset: str) -> None:
    assert resolve({}, cuda_available=lambda: cuda).preset == preset


def test_a_preset_from_the_project_file_only_fills_in() -> None:
    _write(Path("ageui.toml"), 'preset = "report"\nbatch = 8')
    found = resolve({})
    assert (found.config.backbone, found.config.batch, found.preset_origin) == ("resnet101", 8, "ageui.toml")


@pytest.mark.parametrize(
    ("registered", "expected", "origin"),
    [
        ([], "synthetic", "built in; no data set is registered"),
        (["faces"], "faces", "the one registered data set"),
        (["a", "b"], "synthetic", "built in; registered are a, b"),
    ],
)
def test_the_data_set_where_none_is_named(registered: list[str], expected: str, origin: str) -> None:
    found = resolve({}, registered=registered)
    assert (found.config.data, found.data_origin) == (expected, origin)


def test_a_strategy_flag_sets_aside_what_belonged_to_another() -> None:
    _write(Path("ageui.toml"), 'init = "imagenet"\nstrategy = "freeze"\nlr = [1e-3, 1e-5]')
    found = resolve({"strategy": "scratch"})
    assert (found.config.init, found.config.lr) == ("random", (5e-4,))


def test_a_strategy_flag_keeps_a_weights_file_that_it_can_use(tmp_path: Path) -> None:
    _write(Path("ageui.toml"), 'init = "w.pth"')
    assert resolve({"strategy": "finetune"}).config.init == str(tmp_path / "w.pth")
    assert resolve({"strategy": "scratch"}).config.init == "random"


def test_a_weights_file_is_stored_by_its_absolute_path(tmp_path: Path) -> None:
    assert resolve({"init": "w.pth", "strategy": "freeze"}).config.init == str(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch = ", "cannot be read as TOML"),
        ("learning = 1", "ageui.toml: unknown field 'learning'"),
        ("batch = " + "[" * 5000 + "]" * 5000, "its lists and tables are nested more than 20 deep"),
        ("batch" + ".a" * 100 + " = 1", "its lists and tables are nested more than 20 deep"),
        ("batch" + ".a" * 1000 + " = 1", "line 1 has more than 200 dots"),
        ("batch = 0x" + "f" * 5000, "a whole number has more than 64 bits"),
        ("batch = 1 #" + "x" * 300_000, "it has 300 kB, more than the limit of 256 kB"),
    ],
)
def test_a_wrong_project_file_is_named(text: str, said: str) -> None:
    _write(Path("ageui.toml"), text)
    with pytest.raises(ConfigError, match=r"ageui\.toml") as raised:
        resolve({})
    assert said in str(raised.value)


def test_a_missing_config_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"--config gone.toml: the file does not exist"):
        resolve({}, config_file=Path("gone.toml"))


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="choose one of report, quick"):
        resolve({}, preset="slow")


def test_assignments() -> None:
    assert parse_assignments(["widths=64,16", "patience = none"]) == {"widths": "64,16", "patience": "none"}
    with pytest.raises(ConfigError, match="write field=value"):
        parse_assignments(["patience"])


@pytest.mark.parametrize("init", ["~nobody-of-this-name/weights.pth", "a\0b"])
def test_what_can_be_no_path_of_weights_is_refused(init: str) -> None:
    with pytest.raises(ConfigError, match="is not the path of a weights file"):
        resolve({"init": init})
