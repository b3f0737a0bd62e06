"""RunConfig: what it fills in, what it refuses and how it is told again as a command."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import choices
from engine.config import (
    FLAG_FIELDS,
    LATER_FIELDS,
    PRESETS,
    RunConfig,
    build_config,
    completed,
    field_problem,
    format_value,
)
from engine.errors import ConfigError


def _from_command(command: str) -> RunConfig:
    """Reads a printed command as the command line does."""
    values: dict[str, str] = {}
    words = iter(shlex.split(command)[2:])
    for word in words:
        value = next(words)
        name, text = (word[2:], value) if word != "--set" else tuple(value.split("=", 1))
        values[name] = text
    return build_config(values)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_printed_command_means_the_same_config(preset: str) -> None:
    config = build_config(PRESETS[preset])
    again = _from_command(config.command())
    assert again == config
    assert again.hash == config.hash


@given(
    loss=st.sampled_from([loss for loss in choices.LOSSES if loss != "group-dro"]),
    head=st.sampled_from(choices.HEADS),
    lr=st.floats(1e-9, 10),
    epochs=st.tuples(st.integers(0, 99), st.integers(1, 99)),
    weights=st.lists(st.sampled_from(["gender", "age", "a b'c"]), unique=True),
    patience=st.none() | st.integers(1, 50),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: text.strip() == text),
)
def test_any_config_survives_its_own_command(
    loss: str, head: str, lr: float, epochs: tuple[int, int], weights: list[str], patience: int | None, name: str
) -> None:
    config = build_config(
        {"data": name, "loss": loss, "head": head, "lr": (lr,), "epochs": epochs, "weights": tuple(weights)}
        | {"patience": patience}
    )
    assert _from_command(config.command()) == config


def test_the_report_preset_is_the_reports_final_model() -> None:
    config = build_config(PRESETS["report"])
    assert (config.backbone, config.head, config.widths) == ("resnet101", "2fc-sigmoid", (128, 32))
    assert (config.strategy, config.epochs, config.init) == ("freeze", (25, 25), "imagenet")
    assert (config.optimizer, config.lr, config.batch) == ("adam", (1e-5, 1e-5), 32)
    assert (config.loss, config.weights, config.size) == ("mape", ("gender",), 224)
    assert config.last_batch == "keep"


@pytest.mark.parametrize(
    ("strategy", "epochs", "expected"),
    [
        ("freeze", "50", (25, 25)),
        ("freeze", "25,0", (25, 0)),
        ("freeze", "7", (4, 3)),
        ("scratch", "25,25", (50,)),
        ("finetune", "3", (3,)),
    ],
)
def test_epochs_are_shared_out_to_the_stages(strategy: str, epochs: str, expected: tuple[int, ...]) -> None:
    assert build_config({"strategy": strategy, "epochs": epochs}).epochs == expected


@pytest.mark.parametrize(("head", "widths"), [("none", ()), ("1fc-sigmoid", (128,)), ("3fc-sigmoid", (128, 64, 32))])
def test_widths_follow_the_head(head: str, widths: tuple[int, ...]) -> None:
    assert build_config({"head": head}).widths == widths


def test_open_fields_are_filled_in_so_that_equal_runs_are_equal() -> None:
    short = build_config({"strategy": "scratch", "epochs": 5, "lr": 1e-3})
    long = build_config({"strategy": "scratch", "epochs": (5,), "lr": ("0.001",), "init": "random", "widths": "128,32"})
    assert short == long
    assert short.hash == long.hash
    assert short.hash != build_config({"strategy": "scratch", "epochs": 5, "lr": 1e-3, "seed": 1}).hash


def test_a_config_has_the_hash_that_it_had_before_there_were_later_fields() -> None:
    assert build_config({}).hash == "eaf53761066b85f0"
    assert build_config({"loss": "mape", "weights": "gender", "data": "faces"}).hash == "a62f90320b6ab10e"
    assert build_config({"bmc_sigma": 8}).hash != build_config({}).hash
    assert build_config({"bmc_sigma": 8}).hash != build_config({"lds_sigma": 8}).hash


def test_a_config_stored_before_there_were_later_fields_is_completed() -> None:
    stored = build_config({"loss": "mape"}).model_dump(mode="json")
    older = {name: value for name, value in stored.items() if name not in LATER_FIELDS}
    assert completed(older) == stored
    assert list(completed(older))[: len(older)] == list(older)
    assert build_config(older) == build_config(stored)
    assert completed({**stored, "bmc_sigma": 8.0})["bmc_sigma"] == 8.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"loss": "mea"}, "loss 'mea': choose one of mse, mae"),
        ({"backbone": "resnet999"}, "backbone 'resnet999': torchvision has no classifier 'resnet999' (did"),
        ({"backbone": "vgg11-v1@features.3"}, "no classifier 'vgg11-v1' (did you mean vgg11"),
        ({"backbone": "resnet18@"}, "no layer after the @"),
        ({"head": "4fc"}, "choose one of none, 1-sigmoid"),
        ({"strategy": "scratch", "init": "imagenet"}, "strategy scratch starts from random weights"),
        ({"strategy": "scratch", "init": "pretrained"}, "strategy scratch starts from random weights"),
        (
            {"backbone": "dlib-age", "init": "imagenet"},
            "not dlib-age; choose --init pretrained",
        ),
        ({"head": "1fc-sigmoid", "widths": "128,32"}, "has 1 hidden layers, but widths has 2"),
        ({"epochs": "0,0", "init": "random"}, "random weights predict nothing"),
        ({"strategy": "finetune", "lr": "1e-4,1e-5"}, "takes 1 learning rates"),
        ({"lr": "-1"}, "lr"),
        ({"lr": "nan"}, "lr"),
        ({"size": 10}, "size '10'"),
        ({"device": "gpu"}, "device 'gpu'"),
        ({"weights": "gender,gender"}, "name each attribute once"),
        ({"loss": "group-dro"}, "loss group-dro needs groups, but weights none names none; choose attributes"),
        ({"loss": "group-dro", "weights": "age,lds"}, "weights age,lds names none; choose attributes"),
        ({"loss": "balanced-mse", "batch": 1}, "choose --batch 2 or more"),
        ({"combine": "joint", "weights": "gender,lds"}, "combine joint crosses groups, but lds has none"),
        ({"lds_kernel": 4}, "lds_kernel '4': give an odd number"),
        ({"group_dro_loss": "group-dro"}, "group_dro_loss 'group-dro': choose one of mse"),
        ({"age_edges": "40,20"}, "give rising edges, each once"),
        ({"learning_rate": 1}, "unknown field 'learning_rate'; choose one of data, target"),
        ({"seed": "one"}, "seed 'one'"),
    ],
)
def test_wrong_values_are_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build_config(values)
    assert said in str(raised.value)


def test_every_flag_is_a_field() -> None:
    assert set(FLAG_FIELDS) <= set(RunConfig.model_fields)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((), "none"),
        (None, "none"),
        ((25, 25), "25,25"),
        (1e-5, "1e-05"),
        (True, "true"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_values_are_written_as_the_command_line_takes_them(value: object, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("loss", "mape", None),
        ("loss", "mea", "loss 'mea': choose one of mse"),
        ("batch", "many", "batch 'many': give a whole number"),
        ("lr", "1e-3,fast", "lr '1e-3,fast': give a number"),
        ("deterministic", "perhaps", "give true or false"),
        ("widths", "64", None),
        ("nothing", "1", "unknown field 'nothing'"),
    ],
)
def test_one_field_is_judged_by_itself(name: str, value: str, said: str | None) -> None:
    problem = field_problem(name, value)
    assert problem is None if said is None else said in (problem or "")


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"loss": "mea", "batch": 0}, [("loss",), ("batch",)]),
        ({"strategy": "scratch", "init": "imagenet"}, [("strategy", "init")]),
        ({"head": "1-sigmoid", "widths": (3,)}, [("head", "widths")]),
        ({"loss": "balanced-mse", "batch": 1}, [("loss", "batch")]),
        ({"lost": "mse"}, [("lost",)]),
    ],
)
def test_an_error_names_the_fields_that_it_is_about(values: dict[str, object], fields: list[tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError) as raised:
        build_config(values)
    problems = raised.value.problems
    assert [(problem.field, *problem.others) for problem in problems] == fields
    assert str(raised.value).splitlines() == [problem.text for problem in problems]


@pytest.mark.parametrize(
    ("backbone", "init"),
    [("resnet18", "imagenet"), ("dlib-age", "pretrained"), ("dlib-age@layer2", "pretrained"), ("timm/x", "pretrained")],
)
def test_pretrained_is_the_default_and_imagenet_for_torchvision(backbone: str, init: str) -> None:
    named = build_config({"backbone": backbone, "strategy": "finetune", "init": "pretrained"})
    assert named.init == init
    assert named == build_config({"backbone": backbone, "strategy": "finetune"})
