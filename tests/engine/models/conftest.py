"""A config with small images for tests of networks."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.config import RunConfig, build_config


@pytest.fixture
def small() -> Callable[..., RunConfig]:
    def make(**changes: Any) -> RunConfig:
        return build_config({"backbone": "resnet18@layer1", "init": "random", "size": 32, **changes})

    return make
