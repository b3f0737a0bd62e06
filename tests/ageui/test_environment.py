"""Environment variables: all that ageui reads are known, others and wrong values are named."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from terminal import Terminal

import ageui
import engine
from ageui.cli.explain import FOLDER
from ageui.planning.environment import VARIABLES, found_variables, unknown_variables
from ageui.planning.settings import FIELD_VARIABLES
from engine.config import RunConfig


def _named_in(files: Iterable[Path]) -> set[str]:
    return {name for path in files for name in re.findall(r"AGEUI_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))}


def test_every_variable_in_the_code_and_the_manual_is_in_the_table() -> None:
    code = [path for package in (ageui, engine) for path in Path(package.__file__ or "").parent.rglob("*.py")]
    readme = Path(__file__).parents[2] / "README.md"
    named = _named_in([*code, readme, *FOLDER.glob("*.md")])
    assert named - {"AGEUI_FIELD", "AGEUI_RUN", "AGEUI_RUN_BIAS"} <= {
        *(variable.name for variable in VARIABLES),
        *FIELD_VARIABLES,
    }


def test_every_variable_that_is_no_field_is_in_the_manual() -> None:
    assert {variable.name for variable in VARIABLES} | {"AGEUI_PRESET"} <= _named_in(FOLDER.glob("*.md"))


def test_each_set_variable_has_a_meaning_or_a_problem() -> None:
    found = {
        variable.name: variable.problem or variable.meaning
        for variable in found_variables(
            {
                "AGEUI_CACHE_GB": "lots", "AGEUI_CUDA_GRAPHS": "maybe", "AGEUI_DB": "x.db", "AGEUI_LOSS": "mse",
                "AGEUI_BATCH": "many", "AGEUI_PRESET": "slow", "AGEUI_LOS": "mse", "AGEUI_QQQQ": "", "HOME": "/",
            }
        )
    }  # fmt: skip
    assert found == {
        "AGEUI_BATCH": "batch 'many': give a whole number",
        "AGEUI_CACHE_GB": "give a number of gigabytes, 0 or more",
        "AGEUI_CUDA_GRAPHS": "give on or off",
        "AGEUI_DB": "the database",
        "AGEUI_LOS": "ageui has no environment variable AGEUI_LOS; did you mean AGEUI_LOSS?",
        "AGEUI_LOSS": RunConfig.model_fields["loss"].description,
        "AGEUI_PRESET": "choose one of report, quick, best",
        "AGEUI_QQQQ": "ageui has no environment variable AGEUI_QQQQ; see ageui config show for the "
        "fields that can be set",
    }
    assert unknown_variables({"AGEUI_DB": "x.db", "HOME": "/"}) == []


def test_any_command_names_unknown_variables_once_and_goes_on(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGEUI_CACH", "/tmp")
    done = ageui("data", "list")
    assert done.code == 0
    assert done.err.count("ageui has no environment variable AGEUI_CACH; did you mean AGEUI_CACHE?") == 1
    monkeypatch.setenv("AGEUI_MESSAGE_LINES", "1")
    assert ageui("data", "list").err == ""


@pytest.mark.parametrize("command", ["run --detach", "sweep", "worker start"])
def test_what_would_train_refuses_wrong_values(ageui: Terminal, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("AGEUI_GPU_PIXELS_GB", "-1")
    done = ageui(*command.split())
    assert (done.code, done.out) == (2, "")
    assert "AGEUI_GPU_PIXELS_GB=-1: give a number of gigabytes, 0 or more" in done.err


def test_a_wrong_field_names_its_variable(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGEUI_BATCH", "many")
    assert "batch 'many': give a whole number (set by the environment: AGEUI_BATCH)" in ageui("config", "show").err
