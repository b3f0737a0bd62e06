"""Names of backbones: the list against the installed torchvision, and what happens where that one is newer."""

from collections.abc import Iterator
from importlib import metadata

import pytest
import torchvision.models

from engine import backbone_names
from engine.backbone_names import LISTED, LISTED_VERSION, BackboneName, unlisted
from engine.config import build_config
from engine.errors import ConfigError


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    unlisted.cache_clear()
    yield
    unlisted.cache_clear()


def test_the_list_matches_the_installed_torchvision() -> None:
    installed = torchvision.models.list_models(module=torchvision.models)
    assert set(LISTED) | set(unlisted()) == set(installed)
    assert len(LISTED) == len(set(LISTED))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("resnet18", ("resnet18", False, None)),
        ("resnet50-v1@layer3", ("resnet50", True, "layer3")),
        ("squeezenet1_1@features.8", ("squeezenet1_1", False, "features.8")),
    ],
)
def test_a_name_has_parts(name: str, parts: tuple[str, bool, str | None]) -> None:
    assert BackboneName.parse(name) == BackboneName(*parts)


@pytest.mark.process
def test_a_newer_torchvision_is_asked_for_unlisted_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tuple(name for name in LISTED if name != "vit_b_32")
    monkeypatch.setattr(backbone_names, "LISTED", listed)
    with pytest.raises(ConfigError, match="no classifier 'vit_b_32'"):
        build_config({"backbone": "vit_b_32"})
    unlisted.cache_clear()
    monkeypatch.setattr(metadata, "version", lambda name: f"{LISTED_VERSION[0]}.{LISTED_VERSION[1] + 1}.0+cpu")
    assert build_config({"backbone": "vit_b_32"}).backbone == "vit_b_32"
    with pytest.raises(ConfigError, match=r"no classifier 'vit_b_33' .did you mean vit_b_32"):
        build_config({"backbone": "vit_b_33"})


def test_a_listed_name_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone_names, "unlisted", lambda: pytest.fail("torchvision was asked"))
    for name in LISTED:
        assert build_config({"backbone": f"{name}@somewhere"}).backbone == f"{name}@somewhere"
