"""Backbones: every family without its classifier, cuts, strides and what is refused."""

import pytest
import torch
import torch.nn.functional as F
import torchvision.models

from engine.errors import ConfigError
from engine.models.backbones import build_backbone, normalisation

pytestmark = pytest.mark.simulation

FAMILIES = {
    "resnet18": (32, 512),
    "resnet50": (32, 2048),
    "vgg11": (32, 512),
    "densenet121": (32, 1024),
    "efficientnet_b0": (32, 1280),
    "convnext_tiny": (32, 768),
    "googlenet": (32, 1024),
    "inception_v3": (75, 2048),
    "mnasnet0_5": (32, 1280),
    "mobilenet_v2": (32, 1280),
    "mobilenet_v3_small": (32, 576),
    "regnet_x_400mf": (32, 400),
    "shufflenet_v2_x0_5": (32, 1024),
    "squeezenet1_1": (32, 512),
    "swin_t": (32, 768),
    "vit_b_32": (32, 768),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_one_row_of_finite_features_per_image(name: str) -> None:
    size, count = FAMILIES[name]
    backbone = build_backbone(name, size, seed=0)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = backbone.eval()(images)
        training = backbone.train()(images)
    assert features.shape == training.shape == (2, count)
    assert backbone.feature_count == count
    assert features.isfinite().all()
    assert features.std() > 0
    assert not torch.equal(features[0], features[1])


def test_features_are_those_before_the_classifier() -> None:
    backbone = build_backbone("resnet18", 64, seed=0).eval()
    whole = torchvision.models.resnet18(weights=None).eval()
    whole.load_state_dict(backbone.network.state_dict(), strict=False)
    whole.fc = torch.nn.Identity()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(backbone(images), whole(images))
    assert set(whole.state_dict()) == set(backbone.network.state_dict())


@pytest.mark.parametrize("name", ["densenet121", "swin_t", "shufflenet_v2_x0_5"])
def test_features_equal_the_classifiers_input(name: str) -> None:
    backbone = build_backbone(name, 64, seed=0).eval()
    whole = torchvision.models.get_model(name, weights=None).eval()
    whole.load_state_dict(backbone.network.state_dict(), strict=False)
    given: list[torch.Tensor] = []
    list(whole.children())[-1].register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        whole(images)
        torch.testing.assert_close(backbone(images), given[0], rtol=1e-4, atol=1e-5)


def test_squeezenet_features_are_the_mean_of_the_last_map() -> None:
    backbone = build_backbone("squeezenet1_1", 64, seed=0).eval()
    whole = torchvision.models.squeezenet1_1(weights=None).eval()
    whole.load_state_dict(backbone.network.state_dict(), strict=False)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(backbone(images), whole.features(images).mean((2, 3)))


def test_a_cut_leaves_out_everything_after_the_layer() -> None:
    backbone = build_backbone("resnet50@layer3", 32, seed=0)
    top_level = {name.partition(".")[0] for name in backbone.network.state_dict()}
    assert top_level == {"conv1", "bn1", "layer1", "layer2", "layer3"}
    assert backbone.feature_count == 1024
    assert build_backbone("squeezenet1_1@features.8", 32, seed=0).feature_count == 256
    assert build_backbone("resnet18@layer1.0.conv1", 32, seed=0).feature_count == 64


def test_maps_and_tokens_of_transformers_are_pooled_over_the_image() -> None:
    images = torch.randn(2, 3, 64, 64)
    swin = build_backbone("swin_t@features.3", 64, seed=0).eval()
    vit = build_backbone("vit_b_32@encoder.layers.encoder_layer_0", 64, seed=0).eval()
    with torch.no_grad():
        maps = swin.network(images)["features"]
        tokens = vit.network(images)["features"]
        assert maps.shape == (2, 8, 8, 192)
        assert tokens.shape == (2, 5, 768)
        torch.testing.assert_close(swin(images), maps.mean((1, 2)))
        torch.testing.assert_close(vit(images), tokens.mean(1))


def test_v1_has_the_stride_in_the_first_convolution() -> None:
    for name, first, second in (("resnet50-v1", (2, 2), (1, 1)), ("resnet50", (1, 1), (2, 2))):
        modules = dict(build_backbone(name, 32, seed=0).network.named_modules())
        for layer in (2, 3, 4):
            assert modules[f"layer{layer}.0.conv1"].stride == first
            assert modules[f"layer{layer}.0.conv2"].stride == second
            assert modules[f"layer{layer}.0.downsample.0"].stride == (2, 2)
        for block in ("layer1.0", "layer1.1", "layer2.1", "layer3.5", "layer4.2"):
            assert modules[f"{block}.conv1"].stride == modules[f"{block}.conv2"].stride == (1, 1)


def test_v1_of_a_network_without_bottlenecks_is_the_same_network() -> None:
    images = torch.randn(1, 3, 32, 32)
    original, usual = (build_backbone(name, 32, seed=3).eval() for name in ("resnet18-v1", "resnet18"))
    with torch.no_grad():
        assert torch.equal(original(images), usual(images))


def test_v1_pools_first_as_keras_does() -> None:
    """Keras pads a map that is nowhere negative with zeros, then pools 3x3 with stride 2."""
    layer = dict(build_backbone("resnet50-v1@layer1", 32, seed=0).network.named_modules())["maxpool"]
    maps = torch.rand(1, 1, 6, 6)
    expected = F.max_pool2d(F.pad(maps, (1, 1, 1, 1)), kernel_size=3, stride=2)
    assert torch.equal(layer(maps), expected)


def test_random_weights_are_a_function_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build_backbone("resnet18@layer1", 32, seed=5).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = build_backbone("resnet18@layer1", 32, seed=5).state_dict()
    other = build_backbone("resnet18@layer1", 32, seed=6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["network.conv1.weight"], other["network.conv1.weight"])


def test_features_are_pooled_in_fp32_whatever_the_network_computes_in() -> None:
    backbone = build_backbone("resnet18@layer1", 32, seed=0)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert backbone(torch.randn(2, 3, 32, 32)).dtype is torch.float32


def test_the_normalisation_is_that_of_the_imagenet_weights() -> None:
    assert normalisation("resnet50") == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert normalisation("efficientnet_v2_l") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("resnet5", 64, "no classifier 'resnet5' .did you mean resnet50"),
        ("vgg11-v1", 64, "no classifier 'vgg11-v1' .did you mean vgg11"),
        ("fasterrcnn_resnet50_fpn", 64, "no classifier"),
        ("", 64, "no classifier ''"),
        ("resnet50@", 64, "no layer after the @"),
        ("resnet18@layer9", 64, "did you mean layer.*top-level layers are conv1, bn1, .*layer4"),
        ("resnet18@x", 64, "no layer 'x'"),
        ("shufflenet_v2_x0_5@stage2.0.size", 64, "does not give one row of features"),
        ("shufflenet_v2_x0_5@stage2.0.view", 64, "does not give one row of features"),
        ("inception_v3", 64, "cannot take images of 64 px"),
        ("alexnet", 32, "cannot take images of 32 px"),
        ("vit_b_32", 70, "cannot take images of 70 px"),
        ("maxvit_t", 64, "cannot take images of 64 px"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, size: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_backbone(name, size, seed=0)
