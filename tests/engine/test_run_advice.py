"""Advice names what would help under the config in force, and nothing that is in force already."""

import pytest
import torch
from tiny_runs import Runner

import engine.train_step as train_step
from engine.config import RunConfig, build_config, field_problem
from engine.data.known_data import KnownData, data_problems
from engine.data.report import DataReport, GroupCounts, SplitCounts
from engine.data.spec import DataSpec
from engine.device import place
from engine.divergence import divergence_advice
from engine.errors import DeviceError, HostMemoryError
from engine.lone_values import lone_values_problem
from engine.memory_advice import smaller


def _config(**fields: object) -> RunConfig:
    return build_config({"strategy": "scratch", **fields})


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({}, "choose a smaller --batch, --size or --backbone"),
        ({"batch": 1}, "choose a smaller --size or --backbone"),
        ({"size": 32}, "choose a smaller --batch or --backbone"),
        ({"batch": 1, "size": 32}, "choose a smaller --backbone"),
        ({"batch": 2, "loss": "balanced-mse"}, "choose a smaller --size or --backbone"),
        ({"strategy": "freeze", "epochs": "5,0"}, "choose a smaller --size or --backbone"),
        (
            {"strategy": "freeze", "epochs": "5,0", "augment": "standard"},
            "choose a smaller --batch, --size or --backbone",
        ),
    ],
)
def test_memory_advice_omits_settings_at_their_minimum(fields: dict[str, object], advice: str) -> None:
    assert smaller(_config(**fields)) == advice


@pytest.mark.parametrize(
    ("fields", "cures"),
    [
        ({"batch": 1}, "choose a larger --size or --batch 2 or more"),
        ({"batch": 1, "last_batch": "keep"}, "choose a larger --size or --batch 2 or more with --set last_batch=merge"),
        ({"batch": 4, "last_batch": "keep"}, "choose a larger --size or --set last_batch=merge"),
        ({"batch": 1, "size": 1024}, "choose --batch 2 or more"),
        ({"batch": 1, "strategy": "finetune"}, "choose a larger --size or --batch 2 or more or --set bn=frozen"),
    ],
)
def test_batch_norm_of_one_image_names_cures(fields: dict[str, object], cures: str) -> None:
    text = lone_values_problem(_config(**fields), 5, needs_pairs=True)
    assert text is not None
    assert text.endswith(cures)


def _advice(*, from_first_step: bool = False, is_bf16: bool = False, youngest: float = 5.0, **fields: object) -> str:
    config = _config(**{"lr": "0.1", **fields})
    return divergence_advice(
        config, stage=config.stage_count, from_first_step=from_first_step, is_bf16=is_bf16, youngest=youngest
    )


def test_no_lower_learning_rate_is_advised_if_the_first_loss_was_not_finite() -> None:
    text = _advice(from_first_step=True)
    assert "a lower --lr does not help" in text
    assert "fp32" not in text
    assert "try --set precision=fp32" in _advice(from_first_step=True, is_bf16=True)


def test_a_learning_rate_is_named_with_the_one_of_the_stage() -> None:
    assert _advice() == "try a lower --lr than 0.1"
    assert _advice(strategy="freeze", lr="0.1,0.02") == "try a lower --lr than 0.02"
    assert _advice(is_bf16=True) == "try a lower --lr than 0.1, or --set precision=fp32"


def test_divergence_advice_names_labels_and_heads_at_fault() -> None:
    assert "labels of 0 years; choose another --loss" in _advice(loss="mape", youngest=0.0)
    assert _advice(loss="mape") == "try a lower --lr than 0.1"
    for head in ("none", "2fc-tanh"):
        assert f"head {head} can predict values below 0" in _advice(loss="poisson", head=head, from_first_step=True)
    assert "logarithm" not in _advice(loss="poisson", head="2fc-sigmoid")


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("steps_before", "said"), [(0, "a lower --lr does not help"), (1, "try a lower --lr than 0.001")]
)
def test_a_run_knows_whether_its_first_loss_was_finite(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, steps_before: int, said: str
) -> None:
    steps = iter(range(1000))
    real = train_step.reduce

    def exploding(per_image: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        is_broken = weights is not None and next(steps) >= steps_before
        return real(per_image, weights) * (torch.nan if is_broken else 1.0)

    monkeypatch.setattr(train_step, "reduce", exploding)
    seen = runner(lr="1e-3", epochs=1)
    assert seen.ended.outcome == "diverged"
    assert said in seen.ended.reason


@pytest.mark.parametrize("device", ["mps", "cuda:x", "gpu", "xla"])
def test_an_unknown_device_is_refused_with_the_choices(device: str) -> None:
    assert field_problem("device", device) == f"device {device!r}: choose auto, cpu, cuda or cuda:N"


def test_a_missing_cuda_device_is_refused_with_the_existing_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match=r"this machine has 1 CUDA device; choose cuda:0$"):
        place(_config(device="cuda:7"))


def _known(columns: tuple[str, ...] | None = None, **fields: object) -> KnownData:
    spec = DataSpec(name="d", format="table", path=__file__, **fields)
    split = SplitCounts("train", 9, 9, 20.0, 60.0, 40.0)
    groups = (GroupCounts("gender", "male", {"train": 9}, 1.0, 1.0),)
    report = DataReport("d", "table", __file__, "real", True, (split,), groups, (), (), ())
    return KnownData(spec, "real", columns, ("gender",), report)


def test_another_target_is_advised_only_if_the_table_has_it() -> None:
    config = _config(target="real")
    (has_it,) = data_problems(config, _known(("image", "age")))
    assert str(has_it).endswith("or train on apparent ages with --set target=apparent")
    (has_none,) = data_problems(config, _known(("image", "years")))
    assert str(has_none).endswith("name it with ageui data add --columns")


@pytest.mark.simulation
def test_host_memory_advice_names_no_smaller_batch_than_one(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(train_step, "reduce", full)
    with pytest.raises(
        HostMemoryError, match=r"batch 1 at 32 px .*; end other programs, or choose a smaller --backbone$"
    ):
        runner(batch=1, epochs=1, size=32)
