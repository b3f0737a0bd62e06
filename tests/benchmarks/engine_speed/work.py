"""What is trained, and the ways to train it. Plain records that go to a child process as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any, Self

from engine.config import RunConfig, build_config


@dataclass(frozen=True)
class Training:
    """One training of all weights, on a folder of the course edition with as many images as the work needs.

    `warm_steps` of its steps are not timed. Adam, MSE, the head and the learning rate are the same for all works: they
    decide next to nothing of the time.
    """

    folder: str
    backbone: str
    size: int
    batch: int
    epochs: int = 1
    warm_steps: int = 0
    timed_steps: int = 0
    workers: int = 0
    init: str = "random"
    seed: int = 0
    frozen: bool = False

    def config(self, **changes: Any) -> RunConfig:
        """The same for the engine. Its default policies stay, but for those that would change the work done; batch norm
        is torchvision's, as in all other ways."""
        values: dict[str, Any] = {
            "backbone": self.backbone,
            "size": self.size,
            "batch": self.batch,
            "epochs": (self.epochs, 0) if self.frozen else (self.epochs,),
            "strategy": "freeze" if self.frozen else "finetune",
            "init": self.init,
            "seed": self.seed,
            "head": "2fc-sigmoid",
            "loss": "mse",
            "optimizer": "adam",
            "lr": LEARNING_RATE,
            "patience": None,
            "keep": "last",
            "bn_momentum": 0.9,
            "bn_epsilon": 1e-5,
        }
        return build_config({**values, **changes})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(**values)


LEARNING_RATE = 5e-4


@dataclass(frozen=True)
class Way:
    """A way to train. `peer` is its module in `peers`, `best` its best documented setting, `needs` its package, and
    `changes` are those to ageui's config."""

    name: str
    peer: str
    best: bool
    says: str
    needs: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        return self.needs is None or find_spec(self.needs) is not None


WAYS = (
    Way(
        "plain", "plain", False,
        "PyTorch loop as torchvision's references/classification/train.py: DataLoader without workers, PIL decode, "
        "fp32, loss.item() each step",
    ),
    Way(
        "plain, best", "plain", True,
        "the same with workers (as many as are fastest), pin_memory, persistent workers, bf16 autocast, "
        "channels_last, fused Adam, cudnn.benchmark",
    ),
    Way("Lightning", "lightning_loop", False, "Trainer as it comes, the same DataLoader and network", "lightning"),
    Way(
        "Lightning, best", "lightning_loop", True,
        "precision bf16-mixed, channels_last, fused Adam, cudnn.benchmark, workers; no logger, checkpoints or bar",
        "lightning",
    ),
    Way(
        "Keras", "keras_loop", False,
        "Keras 3 on torch, model.fit as it comes: channels_last, float32, the same DataLoader",
        "keras",
    ),
    Way("Keras, best", "keras_loop", True, "mixed_bfloat16, channels_first, workers, no bar", "keras"),
    Way(
        "ageui, fp32", "ageui_engine", False, "engine.train.train with precision=fp32",
        changes={"precision": "fp32"},
    ),
    Way(
        "ageui, not deterministic", "ageui_engine", True, "engine.train.train with deterministic=false",
        changes={"deterministic": False},
    ),
    Way("ageui", "ageui_engine", True, "engine.train.train as it comes: precision=auto, deterministic algorithms"),
)  # fmt: skip
BY_NAME = {way.name: way for way in WAYS}


@dataclass(frozen=True)
class StepWork:
    """`steps` timed steps of `batch` images after `warm` others."""

    name: str
    backbone: str
    size: int
    batch: int
    warm: int
    steps: int

    @property
    def images(self) -> int:
        return (self.warm + self.steps) * self.batch


STEP_WORKS = (
    StepWork("resnet18@layer1 at 32 px, batch 32", "resnet18@layer1", 32, 32, 10, 100),
    StepWork("resnet18 at 64 px, batch 32", "resnet18", 64, 32, 5, 16),
    StepWork("resnet50-v1 at 112 px, batch 16", "resnet50-v1", 112, 16, 5, 10),
    StepWork("resnet50-v1 at 224 px, batch 8", "resnet50-v1", 224, 8, 5, 8),
)
"""The fourth step records a CUDA graph, before any is timed. The ResNet50 has the original strides, as Keras' own."""
