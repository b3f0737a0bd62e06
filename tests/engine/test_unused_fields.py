"""Which fields a config does not use, compared with what the engine reads."""

from typing import Any

import pytest

from engine.choices import LOSSES
from engine.config import RunConfig, build_config
from engine.losses import build_loss
from engine.unused_fields import _RULES, unused_fields

_OF_LOSSES = (
    "dldl_sigma",
    "l1_lambda",
    "mean_lambda",
    "variance_lambda",
    "bmc_sigma",
    "group_dro_loss",
    "group_dro_step",
)


class _Read:
    """A config that notes which fields are read."""

    def __init__(self, config: RunConfig) -> None:
        self.config, self.names = config, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.config, name)


def _unused(**changes: Any) -> dict[str, str]:
    return unused_fields([build_config(changes)])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("inner", ["mae", "dldl"])
def test_a_loss_uses_the_parameters_that_it_is_built_from(loss: str, inner: str) -> None:
    config = build_config({"loss": loss, "weights": "gender", "group_dro_loss": inner})
    read = _Read(config)
    build_loss(read)  # type: ignore[arg-type]
    assert {name for name in _OF_LOSSES if name not in unused_fields([config])} == read.names.intersection(_OF_LOSSES)


def test_every_field_of_the_table_is_a_field_and_used_by_some_config() -> None:
    names = [name for names, _, _ in _RULES for name in names]
    assert set(names) <= set(RunConfig.model_fields)
    assert len(names) == len(set(names))
    most = [
        {"loss": "group-dro", "weights": "gender", "group_dro_loss": "dldl", "strategy": "freeze", "optimizer": "sgd"},
        {"loss": "mean-variance", "weights": "gender,lds", "weighting": "effective"},
        {"loss": "balanced-mse", "optimizer": "adamw"},
    ]
    assert unused_fields(build_config(one) for one in most) == {}


@pytest.mark.parametrize(
    ("used_with", "unused_with", "field"),
    [
        ({"weights": "gender"}, {}, "weighting"),
        ({"weights": "gender"}, {"weights": "gender", "loss": "group-dro"}, "weighting"),
        ({"weights": "gender", "weighting": "effective"}, {"weights": "gender"}, "effective_beta"),
        ({"weights": "gender,age"}, {"weights": "gender"}, "combine"),
        ({"weights": "lds"}, {"weights": "age"}, "lds_sigma"),
        ({"head": "1fc-sigmoid"}, {"head": "1-sigmoid"}, "widths"),
        ({"optimizer": "sgd"}, {"optimizer": "adam"}, "momentum"),
        ({"optimizer": "adamw"}, {"optimizer": "adam"}, "weight_decay"),
        ({"keep": "last"}, {"keep": "last", "patience": None}, "min_delta"),
        ({"strategy": "freeze"}, {"strategy": "scratch"}, "early_stopping"),
        ({"strategy": "freeze"}, {"strategy": "freeze", "epochs": "60,0"}, "early_stopping"),
        ({"backbone": "resnet18"}, {"backbone": "vgg16"}, "bn"),
        ({}, {"strategy": "freeze", "epochs": "60,0"}, "bn"),
        ({}, {"bn": "frozen"}, "bn_momentum"),
        ({"bn": "frozen"}, {"backbone": "vgg16"}, "bn_epsilon"),
    ],
)
def test_a_field_is_used_or_not(used_with: dict[str, Any], unused_with: dict[str, Any], field: str) -> None:
    assert field not in _unused(**used_with)
    assert field in _unused(**unused_with)
    both = [build_config(used_with), build_config(unused_with)]
    assert field not in unused_fields(both)
