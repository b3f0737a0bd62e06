"""Networks and their first weights, checked in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_runs import TINY

from engine.check_networks import check_network
from engine.checked_networks import NetworkKey, check_networks, known_network
from engine.config import build_config
from engine.models.backbones import build_backbone

pytestmark = pytest.mark.process


def _key(**changes: object) -> NetworkKey:
    return NetworkKey.of(build_config({**TINY, **changes}))


def test_a_network_is_kept_unless_no_run_could_use_it(tmp_path: Path) -> None:
    wrong, right = _key(backbone="maxvit_t", size=64), _key(backbone="resnet18", size=64, strategy="scratch")
    tiny, file = _key(), tmp_path / "w.safetensors"
    save_file(build_backbone(tiny.backbone, tiny.size, 0).network.state_dict(), file)
    fits = tiny.model_copy(update={"init": str(file)})
    fits_not = fits.model_copy(update={"backbone": "vgg11"})
    first, second, third, fourth = check_networks([wrong, right, fits, fits_not])
    assert (first.failure, first.field, first.facts, known_network(wrong)) == ("config", "backbone", None, None)
    assert "cannot take images of 64 px" in first.problem
    assert second.facts is not None
    assert (second.facts.parameters, second.facts.features, second.facts.needs_pairs) == (11_176_512, 512, False)
    assert second.facts.state_bytes == 4 * (11_176_512 + 9_600) + 8 * 20  # batch norm's statistics and step counters
    assert known_network(right) == second
    assert third.sentence.startswith("loaded all ")
    assert known_network(fits) == third
    assert (fourth.failure, fourth.field, known_network(fits_not)) == ("config", "init", None)
    assert "no tensor of" in fourth.problem
    os.utime(file, (0, 0))
    assert known_network(fits) is None


@pytest.mark.parametrize(
    ("backbone", "size"), [("resnet18@layer1", 32), ("resnet18", 32), ("swin_t@features.1", 64), ("dlib-age", 64)]
)
def test_a_backbone_of_kept_facts_is_the_one_that_was_checked(
    backbone: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, probed = check_network(_key(backbone=backbone, size=size)).facts, build_backbone(backbone, size, 0)
    monkeypatch.delattr("engine.models.backbones._traced_shapes")
    kept = build_backbone(backbone, size, 0, facts)
    assert kept.feature_count == probed.feature_count == kept.eval()(torch.zeros(1, 3, size, size)).shape[1]
    assert (kept.map_dims, kept.needs_pairs) == (probed.map_dims, probed.needs_pairs)
    assert kept.needs_pairs == (backbone == "resnet18")


def test_a_process_that_is_stopped_checks_nothing_more() -> None:
    assert check_networks([_key(size=size) for size in (128, 160)], lambda process: process.kill()) == []


def test_cached_checks_need_no_torch() -> None:
    code = "import sys, engine.checked_networks, engine.data.known_data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
