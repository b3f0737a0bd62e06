"""Warnings of labels outside the range of a head or loss."""

import pytest

from engine.choices import LOSSES
from engine.config import build_config
from engine.label_limits import CLASS_LOSSES, age_warnings
from engine.losses import build_loss


def _warnings(youngest: float = 20.0, oldest: float = 80.0, **fields: object) -> list[str]:
    return list(age_warnings(build_config(fields), youngest=youngest, oldest=oldest))


def test_class_losses_are_those_with_several_outputs() -> None:
    configs = [build_config({"loss": loss, "weights": "gender"}) for loss in LOSSES if loss != "group-dro"]
    assert {config.loss for config in configs if build_loss(config).outputs > 1} == set(CLASS_LOSSES)


@pytest.mark.parametrize("head", ["1-sigmoid", "2fc-sigmoid", "2fc-tanh"])
def test_heads_with_an_activation_end_at_100(head: str) -> None:
    assert _warnings(oldest=104.5, head=head) == [
        f"labels reach 104.5 years, but head {head} predicts at most 100; choose --head none"
    ]


def test_head_none_is_warned_of_losses_that_end_at_100() -> None:
    assert _warnings(oldest=104.5, head="none", loss="mae") == []
    assert _warnings(oldest=100.0) == []
    (text,) = _warnings(oldest=104.5, head="none", loss="scce")
    assert "loss scce predicts at most 100" in text
    dro = {"loss": "group-dro", "weights": "gender", "group_dro_loss": "coral"}
    assert "loss coral predicts at most 100" in _warnings(oldest=104.5, head="none", **dro)[0]


def test_only_mape_is_warned_of_ages_of_zero() -> None:
    assert _warnings(youngest=0.0, loss="mae") == []
    assert "the lowest train label is 0 years" in _warnings(youngest=0.0, loss="mape")[0]
    dro = {"loss": "group-dro", "weights": "gender", "group_dro_loss": "mape"}
    assert len(_warnings(youngest=0.0, **dro)) == 1


def test_unknown_ages_get_no_warning() -> None:
    assert list(age_warnings(build_config({"loss": "mape"}), youngest=None, oldest=None)) == []
