"""LoadReport: the origin of a backbone's first weights, in figures and in words. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from engine.counted import counted
from engine.short_text import FEW, short_list


@dataclass(frozen=True)
class LoadReport:
    """The origin of a backbone's first weights.

    All tensors of the state count: weights, batch-norm statistics and their step counters. `loaded` came from `source`;
    `random` kept their initial values, without whole-number tensors (counters, position tables), which are never
    random; `ignored` tensors of the file have no place in the backbone; `sha256` is the file's hash.

    `below` is the part of the names in the file that precedes the network's own names, `also_below` those under which
    the file holds as many fitting tensors again. `random_parts` and `ignored_parts` are the layers of the `random` and
    `ignored` tensors. `warnings` are sentences about weights that may not be what was meant, `notes` what else is
    known of them, `pretraining` a sentence on images that they were pretrained on and that nobody knows.
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
        """The report that a manifest holds. Raises `TypeError` if it holds none."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})

    def sentence(self) -> str:
        if self.sha256 is None:
            return f"all {self.random} tensors begin random"
        count = f"{'' if self.random else 'all '}{counted(self.loaded, 'tensor')}"
        parts = [f"loaded {count} from {self.source}{f' (below {self.below!r})' if self.below else ''}"]
        if self.also_below:
            parts.append(f"{short_list(map(repr, self.also_below), FEW)} would fit as well; to use that, save it alone")
        parts += [f"{self.random} begin random{_named(self.random_parts)}"] if self.random else []
        parts += [f"{self.ignored} in the file not used{_named(self.ignored_parts)}"] if self.ignored else []
        parts += [self.pretraining] if self.pretraining else []
        return "; ".join([*parts, *self.notes])


def _named(layers: tuple[str, ...]) -> str:
    return f": {short_list(layers, FEW)}" if layers else ""
