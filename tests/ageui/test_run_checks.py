"""Runs that would fail on this machine, refused before they are queued."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from store_rows import config
from terminal import Terminal

from ageui.console.checked_queueing import print_memory
from ageui.planning import run_checks
from ageui.planning.known_networks import KnownNetworks
from ageui.planning.run_checks import refuse_unfit
from ageui.store import NewRun, Store
from engine.checked_networks import CheckedNetwork, NetworkFacts, NetworkField, NetworkKey
from engine.data.check import check
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions
from engine.errors import AgeUIError, ConfigError, DataError, DeviceError
from engine.paths import cache_folder

GIVEN = NetworkFacts(parameters=0, state_bytes=0, features=1)
TABLE = "image,age,gender,smile\n1.jpg,30,male,no\n2.jpg,40,female,yes\n"


@pytest.fixture
def known_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: CheckedNetwork(key=key, facts=GIVEN))


@pytest.fixture
def table(tmp_path: Path) -> DataSpec:
    path = tmp_path / "people.csv"
    path.write_text(TABLE)
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    return DataSpec(name="people", format="table", path=str(path))


def _message(*runs: NewRun, kind: type[AgeUIError] = ConfigError) -> str:
    with pytest.raises(kind) as refused:
        refuse_unfit(runs, KnownNetworks())
    assert type(refused.value) is kind
    return str(refused.value)


def test_no_epochs_are_refused_where_the_output_layer_is_random() -> None:
    settings = {"strategy": "finetune", "init": "pretrained", "epochs": "0"}
    assert "this run's output layer would be random" in _message(NewRun(config(**settings), BUILT_IN))
    dlib = {"backbone": "dlib-age", "size": "64", "head": "none", "loss": "dldl"}
    refuse_unfit([NewRun(config(**settings, **dlib), BUILT_IN)], KnownNetworks())


def test_an_attribute_that_the_data_lacks_is_named_with_the_nearest_and_how_many_runs_it_concerns() -> None:
    runs = [
        NewRun(config(weights=weights, seed=seed), BUILT_IN)
        for weights in ("none", "gender,shoe-size", "gendr")
        for seed in (0, 1)
    ]
    first, second = _message(*runs).splitlines()
    assert first == (
        "weights gender,shoe-size: data set 'synthetic' has no attribute 'shoe-size'; choose --weights from age, "
        "gender, ethnicity, expression (2 of 6 runs)"
    )
    assert "no attribute 'gendr' (did you mean gender?)" in second


@pytest.mark.parametrize("weights", ["none", "gender,smile,age", "lds"])
def test_attributes_of_a_table_are_its_columns(table: DataSpec, weights: str) -> None:
    refuse_unfit([NewRun(config(weights=weights), table)], KnownNetworks())
    assert "no attribute 'shoe-size'" in _message(NewRun(config(weights="shoe-size"), table))


def test_attributes_of_a_table_are_those_that_its_check_found(table: DataSpec, tmp_path: Path) -> None:
    named = table.model_copy(update={"columns": {"grin": "smile"}, "skip_bad": True})
    check(named, cache=cache_folder())
    text = _message(NewRun(config(weights="smile"), named))
    assert "no attribute 'smile'" in text
    refuse_unfit([NewRun(config(weights="grin"), named.model_copy(update={"skip_bad": False}))], KnownNetworks())


def test_the_report_of_files_that_have_changed_counts_for_nothing(table: DataSpec) -> None:
    check(table, cache=cache_folder())
    run = NewRun(config(weights="mood"), table)
    assert "2 rows or images that cannot be used; see ageui data check people; fix them, or skip them" in _message(
        NewRun(config(), table), kind=DataError
    )
    Path(table.path or "").write_text("image,age,mood\n1.jpg,30,good\n")
    refuse_unfit([run], KnownNetworks())


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("gone.csv", "gone.csv is missing; mount it, or add it again"),
        ("people.csv", "is not a folder, but format"),
        (None, "comes from elsewhere and does not say where its files are; add the data set"),
    ],
)
def test_data_that_is_not_there(table: DataSpec, tmp_path: Path, path: str | None, problem: str) -> None:
    changes = {"path": path and str(tmp_path / path), "format": "utkface" if path == "people.csv" else "table"}
    assert problem in _message(NewRun(config(), table.model_copy(update=changes)), kind=DataError)


def test_ages_that_the_data_lacks(table: DataSpec) -> None:
    assert "(synthetic) has apparent ages only; use target=apparent" in _message(
        NewRun(config(target="real"), BUILT_IN)
    )
    assert "has no column 'real_age' for the real age; name it with ageui data add --columns" in _message(
        NewRun(config(target="real"), table)
    )


def test_data_without_train_images(tmp_path: Path) -> None:
    spec = DataSpec(name="few", format="synthetic", synthetic=SyntheticOptions(counts=(1, 9, 9)))
    assert "'few' has 1 train image with an age" in _message(NewRun(config(), spec), kind=DataError)


@pytest.mark.usefixtures("known_networks")
def test_batch_norm_that_gets_one_value_per_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DataSpec(name="odd", format="synthetic", synthetic=SyntheticOptions(counts=(33, 9, 9)))
    runs = [NewRun(config(batch=batch, last_batch="keep"), spec) for batch in (1, 16, 32)]
    refuse_unfit(runs, KnownNetworks())
    needs_pairs = GIVEN.model_copy(update={"needs_pairs": True})
    monkeypatch.setattr(
        "ageui.planning.known_networks.known_network", lambda key: CheckedNetwork(key=key, facts=needs_pairs)
    )
    alone, others = _message(*runs).splitlines()
    assert "leaves one value per channel" in alone
    assert alone.endswith("choose a larger --size or --batch 2 or more with --set last_batch=merge (1 of 3 runs)")
    assert others.endswith("choose a larger --size or --set last_batch=merge (2 of 3 runs)")
    refuse_unfit([NewRun(config(batch=32, last_batch="merge"), spec)], KnownNetworks())


def test_a_device_that_this_machine_lacks_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.devices.default_device", lambda: "cpu")
    monkeypatch.setattr("ageui.worker.background_workers.default_device", lambda: "cpu")
    alone, other = NewRun(config(device="cuda"), BUILT_IN), NewRun(config(weights="x"), BUILT_IN)
    assert "--device cuda:0: torch finds no CUDA device" in _message(alone, kind=DeviceError)
    assert len(_message(alone, other).splitlines()) == 2


def test_alike_runs_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def known(spec: DataSpec, *others: object) -> object:
        looked.append(spec.name)
        return real(spec, *others)  # type: ignore[arg-type]

    real = run_checks.known_data
    monkeypatch.setattr(run_checks, "known_data", known)
    refuse_unfit([NewRun(config(seed=seed), BUILT_IN) for seed in range(50)], KnownNetworks())
    assert looked == ["synthetic"]


# Networks and first weights

Answers = Callable[..., None]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Has the process that checks networks find these problems, each with its kind of error; else none."""
    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: None)

    def answer(field: NetworkField, problem: str, failure: str, init: str = "") -> None:
        def found(key: NetworkKey) -> CheckedNetwork:
            if init in ("", key.init):
                return CheckedNetwork(key=key, problem=problem, failure=failure, field=field)
            return CheckedNetwork(key=key, facts=GIVEN)

        monkeypatch.setattr("ageui.planning.known_networks.check_networks", lambda keys, begun: list(map(found, keys)))

    return answer


@pytest.mark.parametrize("command", ["run --detach", "run", "sweep --seeds 3", "sweep --seeds 3 --dry-run"])
def test_a_network_that_cannot_take_the_size_is_refused_by_every_command(
    ageui: Terminal, answers: Answers, command: str
) -> None:
    answers("backbone", "backbone resnet18@layer3 cannot take images of 64 px", "config")
    done = ageui(*command.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.count("cannot take images of 64 px") == 1
    with Store.open(ageui.folder / "runs.db") as store:
        assert store.runs.search() == []


def test_first_weights_that_are_missing_refuse_a_whole_sweep_with_the_exit_code_of_data(
    ageui: Terminal, answers: Answers
) -> None:
    answers("init", "the ImageNet weights resnet18.pth are missing", "data", init="imagenet")
    sweep = ("sweep", "--strategy", "finetune,scratch", "--backbone", "resnet18", "--seeds", "2")
    done = ageui(*sweep)
    assert (done.code, done.out) == (3, "")
    assert "are missing (2 of 4 runs)" in done.err
    with Store.open(ageui.folder / "runs.db") as store:
        assert store.runs.search() == []


def test_a_network_that_could_not_be_checked_is_left_to_the_engine(answers: Answers) -> None:
    answers("backbone", "", "")
    runs, networks = [NewRun(config(), BUILT_IN)], KnownNetworks()
    networks.check(networks.missing(runs))
    refuse_unfit(runs, networks)
    assert networks.missing(runs) == ()


def test_loaded_tensors_are_printed_once_with_their_warnings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [NewRun(config(batch=batch, init="w.pth", strategy="finetune"), BUILT_IN) for batch in (16, 32)]
    networks = KnownNetworks()
    (key,) = networks.missing(runs)
    checked = CheckedNetwork(key=key, sentence="loaded 1 of 25 tensors from w.pth", warnings=("most begins random",))
    monkeypatch.setattr("ageui.planning.known_networks.check_networks", lambda keys, begun: [checked])
    networks.check([key])
    console = Console(file=io.StringIO(), width=40)
    print_memory(console, store, runs, networks)
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["first weights: loaded 1 of 25 tensors from w.pth", "warning: most begins random"]


@pytest.mark.usefixtures("known_networks")
@pytest.mark.parametrize("command", ["retry", "resume", "retry --here"])
def test_runs_whose_data_is_gone_are_not_queued_again(ageui: Terminal, table: DataSpec, command: str) -> None:
    with Store.open(ageui.folder / "runs.db") as store:
        store.data.add(table)
        ids = [store.runs.add(config(seed=seed), table, name=None) for seed in (0, 1)]
        for run_id in ids:
            store.queue.pause(run_id)
            if command != "resume":
                store.queue.cancel(run_id)
        Path(table.path or "").unlink()
        done = ageui(*command.split(), *("1" if "--here" in command else "1 2").split())
        assert done.code == 3
        assert done.err.count("people.csv is missing; mount it") == 1
        assert {store.runs.get(run_id).status for run_id in ids} == {"paused" if command == "resume" else "cancelled"}


@pytest.mark.usefixtures("known_networks")
def test_a_study_whose_data_lacks_an_attribute_queues_nothing(ageui: Terminal, table: DataSpec) -> None:
    with Store.open(ageui.folder / "runs.db") as store:
        store.data.add(table)
        study = ("study", "run", "table8", "--preset", "quick", "--data", "people")
        for more in (("--dry-run",), ("--detach",)):
            done = ageui(*study, *more, "--set", "weights=shoe-size")
            assert done.code == 2, done.err
            assert "no attribute 'shoe-size'" in done.err
        assert store.runs.search() == []
