"""LoadReport: the origin of a backbone's first weights, in figures and sentences. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from engine.counted import counted
from engine.short_text import FEW, short_list


@dataclass(frozen=True)
class LoadReport:
    """The origin of a backbone's first weights.

    All tensors of the state count: weights, batch-norm statistics and their step counters. `loaded` tensors came from
    `source`; `random` tensors kept their initial values (without integer tensors such as counters and position tables,
    which are never random); `ignored` tensors of the file have no place in the backbone; `sha256` is the file's hash.

    `below` is the prefix of the network's names in the file; `also_below` are prefixes under which as many tensors
    fit. `random_parts` and `ignored_parts` are the layers of the `random` and `ignored` tensors. `warnings` are
    sentences about possible mistakes, `notes` further facts, and `pretraining` a sentence about pretraining on images
    that nobody can check.
    """

    source: str
    sha256: str | None
    loaded: int
    random: int
    ignored: int
    below: str = ""
    also_below: tuple[str, ...] = ()
    random_parts: tuple[str, ...] = ()
    ignored_parts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pretraining: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The report in a manifest. Raises `TypeError` if it holds none."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})

    def sentence(self) -> str:
        if self.sha256 is None:
            return f"all {self.random} tensors start random"
        count = f"{'' if self.random else 'all '}{counted(self.loaded, 'tensor')}"
        parts = [f"loaded {count} from {self.source}{f' (below {self.below!r})' if self.below else ''}"]
        if self.also_below:
            parts.append(f"{short_list(map(repr, self.also_below), FEW)} would fit as well; to use it, save it alone")
        parts += [f"{self.random} start random{_named(self.random_parts)}"] if self.random else []
        parts += [f"{self.ignored} unused{_named(self.ignored_parts)}"] if self.ignored else []
        parts += [self.pretraining] if self.pretraining else []
        return "; ".join([*parts, *self.notes])


def _named(layers: tuple[str, ...]) -> str:
    return f": {short_list(layers, FEW)}" if layers else ""
