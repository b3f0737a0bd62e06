"""The parts of the check in their order, and how the minutes are shared out among them."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

FULL_MINUTES = 8.0
"""The minutes for which the seconds of parts are given; with more or fewer, they grow or shrink in proportion."""


@dataclass(frozen=True)
class Part:
    """A part, measured by the function `measure` of a module.

    `seconds` are the most that it may take, `least` the fewest with which it begins, and `reserved` those that earlier
    parts leave to it. Without the packages that it `needs`, it is left out; without an `essential` one, all others are.
    """

    name: str
    module: str
    seconds: float
    least: float = 0.0
    reserved: float = 0.0
    arguments: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    essential: bool = False

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


ENGINE = (
    "torch", "torchvision", "filelock", "numpy", "pandas", "PIL", "platformdirs", "pyarrow", "pydantic", "safetensors",
    "scipy",
)  # fmt: skip
"""The packages of `engine/`."""

PARTS = (
    Part("machine", "machine_and_data", 60, needs=ENGINE, essential=True),
    Part("tests", "marked_tests", 90, least=20, needs=("pytest", "hypothesis")),
    Part("steps", "step_times", 60, least=15, arguments={"place": 0}),
    Part("steps of a larger network", "step_times", 75, least=20, arguments={"place": 1}),
    Part("report", "report_epochs", 60, least=20),
    Part("pixels", "held_or_streamed", 40, least=15),
    Part("side by side", "side_by_side", 75, least=25),
    Part("memory", "peaks", 40, least=15),
    Part("commands", "commands", 75, least=45, needs=("textual", "sqlmodel")),
    Part("torch.compile", "compiled", 120, least=45),
    Part("final", "final_study", 480, least=20, reserved=60),
)


def shares(part: Part, later: tuple[Part, ...], seconds_left: float, minutes: float) -> float:
    """The seconds that a part may take out of those left, in a check of so many minutes."""
    scale = minutes / FULL_MINUTES
    reserved = scale * sum(one.reserved for one in later)
    return min(scale * part.seconds, seconds_left - reserved)
