"""Runs import torch's compiler only to compile: its import takes as long as torch's own. Of a network that was checked
before, they import no sympy either."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

TRAINS = """
import sys
import torch
import engine.train
from engine.checked_networks import CheckedNetwork, NetworkFacts, NetworkKey, keep_network
from engine.config import build_config
from engine.device import place
from engine.light_torchvision import models
from engine.models import build_model
from engine.optimizers import build_optimizer

config = build_config({"backbone": "resnet18@layer1", "size": 32, "strategy": "scratch", "device": "cpu"})
facts = NetworkFacts(parameters=157_504, state_bytes=632_616, features=64)
keep_network(CheckedNetwork(key=NetworkKey.of(config), facts=facts), None)
place(config)
assert torch.are_deterministic_algorithms_enabled()
model, _ = build_model(config, 1)
for name in ("adam", "sgd", "adadelta"):
    optimizer = build_optimizer(name, model.parameters(), 1e-3, 0.9)
    optimizer.zero_grad()
    model(torch.zeros(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
assert not [name for name in sys.modules if name.startswith("torch._dynamo") or name == "sympy"]

from torchvision.ops.roi_align import is_compile_supported
assert is_compile_supported("cpu") in (True, False)
import torch._dynamo
assert torch._dynamo.utils.is_compile_supported("cpu") == is_compile_supported("cpu")
"""


def test_training_imports_no_compiler_and_who_asks_gets_it() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_torchvision_for_another_torch_is_named_with_advice(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")')
    command = [sys.executable, "-m", "ageui", "doctor", "--db", str(tmp_path / "runs.db")]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "PROBLEM  problem   torchvision does not match PyTorch (torch " in done.stdout
    assert "operator torchvision::nms does not exist; reinstall both in one command" in done.stdout
    assert "Traceback" not in done.stderr
