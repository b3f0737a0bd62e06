"""From what a person typed to the runs that are queued, for the command line and the form."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_rows import end, queued, running
from terminal import Terminal

from ageui.planning.plan import Basis, Plan, plan
from ageui.store import Store
from ageui.tui.form.checked_form import FormInput
from ageui.tui.new_run.check import CheckedNewRuns, FormCheck
from ageui.tui.new_run.fields import GROUPS, form_fields
from engine.config import RunConfig
from engine.data.folds import fold_specs
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import ConfigError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cuda._DRIVERS", ())
    monkeypatch.setattr("ageui.console.background.start_missing_workers", lambda *arguments: None)


def planned(store: Store, *, seeds: int | None = None, preset: str | None = "quick", **values: str) -> Plan:
    return plan(store, values, Basis(preset), seeds=seeds)


def check(store: Store, like: int | None = None, *, again: bool = False, **texts: str) -> CheckedNewRuns:
    return FormCheck(like).check(store, FormInput(texts, again))


# The plan


def test_equal_configs_of_a_grid_are_one_run(store: Store) -> None:
    found = planned(store, epochs="8,4+4", loss="mse,mape")
    assert [run.config.loss for run in found.runs] == ["mse", "mape"]


def test_what_is_done_or_to_be_done_is_known_and_left_out(store: Store) -> None:
    end(store, *running(store, loss="mse"))
    waiting = queued(store, loss="mape")
    end(store, *running(store, loss="huber"), "failed", "broken")
    found = planned(store, loss="mse,mape,huber")
    assert found.known == ((1, "done"), (waiting, "queued"), None)
    assert [run.config.loss for run in found.to_queue(again=False)] == ["huber"]
    assert len(found.to_queue(again=True)) == 3


def test_a_sweep_is_queued_with_its_arithmetic_settled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.arithmetic.cpu_flags", lambda: frozenset({"avx512_bf16"}))

    def queued_in(**values: str) -> list[str]:
        return [run.config.precision for run in planned(store, **values).to_queue(again=False)]

    backbones = "resnet18,mobilenet_v2"
    assert queued_in(backbone=backbones) == ["bf16", "fp32"]
    assert queued_in(backbone=backbones, precision="fp32") == ["fp32", "fp32"]
    assert queued_in(backbone="resnet18") == ["auto"]
    ids = store.runs.add_many(planned(store, backbone=backbones).to_queue(again=False))
    assert planned(store, backbone=backbones).known == tuple((run_id, "queued") for run_id in ids)
    assert planned(store, backbone="resnet18").known == ((ids[0], "queued"),)


def test_several_runs_of_one_name_get_numbers(store: Store) -> None:
    found = planned(store, loss="mse,mape")
    assert [run.name for run in found.to_queue(again=False, name="grid")] == ["grid-1", "grid-2"]
    assert [run.name for run in planned(store).to_queue(again=False, name="grid")] == ["grid"]
    assert [run.name for run in found.to_queue(again=False)] == [None, None]


@pytest.mark.parametrize(
    ("values", "seeds", "said"),
    [
        ({"seed": "1,2"}, 3, "give either a list of seeds or their number"),
        ({}, 0, "give at least 1"),
        ({}, 10**12, "give at most 10,000"),
        ({"loss": "mse,mape"}, 9_000, "the grid has 18,000 runs; give at most 10,000"),
        ({"data": "gone"}, None, "unknown data set 'gone'"),
        ({"loss": "mse,"}, None, "a value is empty"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    store: Store, values: Mapping[str, str], seeds: int | None, said: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        planned(store, seeds=seeds, **values)
    assert said in str(raised.value)


def test_ten_thousand_runs_are_planned(store: Store) -> None:
    assert len(planned(store, seeds=5_000, loss="mse,mape").runs) == 10_000


def test_a_config_that_comes_through_a_pipe_holds_for_every_run(store: Store) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"batch = 7")
    os.close(writer)
    found = plan(store, {"loss": "mse,mape"}, Basis("quick", Path(f"/dev/fd/{reader}")), seeds=2)
    os.close(reader)
    assert [run.config.batch for run in found.runs] == [7] * 4


# The form


def test_every_field_of_a_config_is_in_the_form_once() -> None:
    names = [name for _, group in GROUPS for name in group]
    assert len(names) == len(set(names))
    assert set(names) == {"preset", "name", "tags", "priority", "seeds", *RunConfig.model_fields}
    assert set(form_fields()) == set(names)
    assert all(field.what for field in form_fields().values())


def test_choices_come_from_the_words_a_config_takes_and_from_the_database(store: Store) -> None:
    store.data.add(DataSpec(name="mine", format="table", path="/x", columns={"image": "f", "glasses": "g"}))
    fields = form_fields(store.data.all(), ["cuda:0", "cuda:1"])
    assert "mape" in fields["loss"].choices
    assert fields["data"].choices == ("synthetic", "mine")
    assert fields["weights"].choices == ("none", "gender", "expression", "ethnicity", "age", "glasses", "lds")
    assert fields["device"].choices == ("auto", "cpu", "cuda", "cuda:0", "cuda:1")
    assert fields["deterministic"].choices == ("true", "false")
    assert fields["bn"].choices == ("train", "frozen")
    assert fields["age_edges"].choices == ()


def test_an_empty_form_is_one_run_of_what_is_in_force(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ageui.toml").write_text("batch = 8")
    monkeypatch.setenv("AGEUI_LOSS", "huber")
    found = check(store)
    assert found.in_force["batch"] == ("8", "ageui.toml")
    assert found.in_force["loss"] == ("huber", "environment")
    assert found.in_force["size"] == ("64", "preset quick")
    assert found.in_force["preset"] == ("quick", "no CUDA device was found")
    assert found.in_force["data"] == ("synthetic", "built in; no data set is registered")
    assert (found.outcome, found.command, len(found.runs)) == ("1 run", "ageui run --detach", 1)


def test_what_is_typed_changes_what_is_in_force_elsewhere(store: Store) -> None:
    found = check(store, strategy="freeze", head="1fc-sigmoid")
    assert found.in_force["init"] == ("imagenet", "default")
    assert found.in_force["widths"] == ("128", "default")
    assert found.in_force["epochs"] == ("4,4", "preset quick")


@pytest.mark.parametrize(
    ("texts", "field", "said"),
    [
        ({"loss": "mse,mea"}, "loss", "'mea': choose one of mse"),
        ({"loss": "mse,"}, "loss", "a value is empty"),
        ({"batch": "many"}, "batch", "give a whole number"),
        ({"batch": "0"}, "batch", "it must be 1 to 65,536"),
        ({"lr": "fast"}, "lr", "give a number"),
        ({"deterministic": "perhaps"}, "deterministic", "give true or false"),
        ({"epochs": "1+2+3"}, "epochs", "one number, or two"),
        ({"data": "gone"}, "data", "unknown data set 'gone'"),
        ({"data": "synthetic,,x"}, "data", "a value is empty"),
        ({"device": "cuda"}, "device", "torch finds no CUDA device"),
        ({"device": "cpu,tpu"}, "device", "'tpu'"),
        ({"init": "imagent"}, "init", "the file imagent does not exist"),
        ({"init": "imagenet"}, "init", "starts from random weights"),
        ({"lr": "1e-3+1e-4"}, "lr", "takes 1 learning rates"),
        ({"widths": "64"}, "widths", "has 2 hidden layers"),
        ({"preset": "slow"}, "preset", "choose one of report, quick"),
        ({"priority": "5000"}, "priority", "from -1000 to 1000"),
        ({"priority": "high"}, "priority", "give a whole number"),
        ({"seeds": "0"}, "seeds", "give at least 1"),
        ({"seeds": "9" * 5000}, "seeds", "give a whole number"),
        ({"seeds": "3", "seed": "1,2"}, "seeds", "give either a list of seeds or their number"),
        ({"name": "12"}, "name", "is a number"),
        ({"name": "taken"}, "name", "a run is already named 'taken'"),
        ({"name": "x" * 100, "loss": "mse,mape"}, "name", "give at most 100"),
        ({"tags": "a\u202eb"}, "tags", "invisible"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(store: Store, texts: dict[str, str], field: str, said: str) -> None:
    queued(store, "taken", loss="scce")
    found = check(store, **texts)
    assert list(found.problems) == [field]
    assert said in found.problems[field]
    assert (found.runs, found.plan, found.command) == ([], None, None)
    assert found.in_force["size"] == ("64", "preset quick")


def test_all_wrong_fields_are_found_at_once(store: Store) -> None:
    found = check(store, loss="mse,mea", batch="0", seeds="x", data="gone")
    assert set(found.problems) == {"loss", "batch", "seeds", "data"}


def test_a_wrong_settings_file_is_said_though_it_is_no_field(store: Store) -> None:
    Path("ageui.toml").write_text("loss = ")
    found = check(store)
    assert "ageui.toml cannot be read as TOML" in found.trouble
    assert not found.runs


def test_a_value_of_the_settings_that_is_wrong_is_said_at_its_field(store: Store) -> None:
    Path("ageui.toml").write_text('data = "gone"')
    assert "unknown data set 'gone'" in check(store).problems["data"]


def test_too_many_runs_are_refused(store: Store) -> None:
    found = check(store, seeds="9000", loss="mse,mape")
    assert found.trouble == "the grid has 18,000 runs; give at most 10,000"


def test_the_size_of_a_grid_is_explained(store: Store) -> None:
    assert check(store, loss="mse,mape", seeds="3").outcome == "6 runs: 2 losses × 3 seeds"
    assert (
        check(store, patience="none,5", weights="none,gender+age").outcome == "4 runs: 2 values of patience × 2 weights"
    )


# Like another run


def test_a_run_to_be_like_decides_every_field(store: Store) -> None:
    run_id = queued(store, "model", loss="mape", weights="gender,age", lr="1e-3", patience=None, size=96)
    found = check(store, run_id)
    assert found.in_force["loss"] == ("mape", "run model")
    assert found.in_force["patience"] == ("none", "run model")
    assert found.in_force["preset"] == ("run model", "all its values")
    assert found.plan is not None
    assert found.plan.known == ((run_id, "queued"),)
    assert check(store, run_id, preset="quick").in_force["loss"] == ("mse", "preset quick")


def test_a_field_typed_sets_aside_what_was_made_for_another(store: Store) -> None:
    run_id = queued(store, "model", strategy="freeze", epochs=(3, 4), lr=(1e-3, 1e-3))
    found = check(store, run_id, strategy="scratch", head="1-sigmoid")
    config = found.runs[0].config
    assert (config.init, config.epochs, config.lr, config.widths) == ("random", (7,), (1e-3,), ())


def test_a_run_that_is_not_there_or_not_known_any_more_is_told(store: Store) -> None:
    assert "run 9 does not exist" in check(store, 9).trouble


def test_a_form_filled_from_a_run_on_a_fold_tells_that_new_runs_use_the_own_splits(store: Store) -> None:
    new = planned(store, data="synthetic").runs[0]
    (run_id,) = store.runs.add_many([replace(new, spec=fold_specs(new.spec, 3)[0], name="model")])
    found = check(store, run_id)
    assert found.notes == ("model was tested on a fold; new runs use the splits of synthetic: see ageui run --folds",)
    assert found.plan is not None
    assert found.plan.known == (None,)


def test_data_that_was_described_otherwise_is_told(store: Store) -> None:
    spec = DataSpec(name="faces", format="synthetic")
    store.data.add(spec)
    run_id = store.runs.add(planned(store, data="faces").runs[0].config, spec, name="model")
    assert check(store, run_id).notes == ()
    store.data.add(spec.model_copy(update={"synthetic": SyntheticOptions(seed=3)}), replace=True)
    assert check(store, run_id).notes == ("the description of faces changed after model was queued",)
    store.data.remove("faces")
    assert "unknown data set 'faces'" in check(store, run_id).problems["data"]


# The command

MODEL: dict[str, Any] = {"strategy": "freeze", "epochs": (3, 4), "loss": "mape", "weights": ("gender", "age")}


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        (None, {}),
        (None, {"preset": "report", "seed": "7"}),
        (None, {"weights": "gender+age", "epochs": "2+3", "strategy": "freeze", "widths": "64+16"}),
        (None, {"loss": "mse,mape", "weights": "none,gender+age", "seeds": "2", "seed": "5"}),
        (None, {"lr": "1e-3,5e-4", "patience": "none,3", "age_edges": "20+40,30", "deterministic": "false"}),
        (None, {"name": "[/] $(rm) 'x'", "tags": "a;b, -c", "priority": "-3"}),
        (None, {"name": "--loss", "loss": " mse , mape ", "priority": "7"}),
        (MODEL, {}),
        (MODEL, {"loss": "mse,mae", "seeds": "2"}),
        (MODEL, {"strategy": "scratch,finetune"}),
        (MODEL, {"head": "1fc-sigmoid", "lr": "1e-3+1e-4"}),
        ({"patience": None, "age_edges": (30.0,), "lr": (3e-5,), "min_delta": 0.25}, {"momentum": "0.5,0.9"}),
    ],
)
def test_the_printed_command_queues_the_same_runs(
    ageui: Terminal, store: Store, model: dict[str, Any] | None, texts: dict[str, str], no_network_checks: None
) -> None:
    Path("ageui.toml").write_text("batch = 8")
    like = None if model is None else store.runs.add(*_model(store, model), name="model")
    found = check(store, like, again=True, **texts)
    assert found.command is not None
    done = ageui(*shlex.split(found.command)[1:])
    assert done.code == 0, done.err
    rows = [store.runs.get(int(run_id)) for run_id in done.out.split()]
    assert [row.config_hash for row in rows] == [run.config.hash for run in found.runs]
    assert {row.priority for row in rows} == {found.labels.priority}
    assert {row.tags for row in rows} == {tuple(sorted(found.labels.tags))}
    if found.labels.name is not None:
        assert [row.name for row in rows] == [run.name for run in found.runs]


def _model(store: Store, changes: dict[str, Any]) -> tuple[RunConfig, DataSpec]:
    base = planned(store).runs[0]
    values = {**base.config.model_dump(exclude={"init", "lr"}), "lr": (1e-4,), **changes}
    return RunConfig.model_validate(values), base.spec


def test_the_command_has_only_what_was_typed(store: Store) -> None:
    assert check(store, loss="mape", seeds="1").command == "ageui run --detach --loss mape"
    assert check(store, loss="mape,mse", seeds="3", patience="none").command == (
        "ageui sweep --loss mape,mse --set patience=none --seeds 3"
    )


def test_the_command_of_a_run_like_another_names_only_what_the_nearest_preset_lacks(store: Store) -> None:
    run_id = queued(store, "model", loss="mape", patience=None)
    assert check(store, run_id, seed="3").command == (
        "ageui run --detach --preset quick --loss mape --set patience=none --seed 3"
    )


def test_the_command_names_a_database_that_is_not_the_one_of_the_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other dir").mkdir()
    with Store.open(tmp_path / "other dir" / "runs.db") as other:
        command = check(other).command
    assert command == f"ageui run --detach --db '{tmp_path}/other dir/runs.db'"


def test_the_command_queues_again_only_where_that_was_wanted(store: Store) -> None:
    queued(store)
    found = check(store, again=True, loss="mse,mape")
    assert found.command == "ageui sweep --loss mse,mape --again"
    assert len(found.runs) == 2
    assert len(check(store, loss="mse,mape").runs) == 1
