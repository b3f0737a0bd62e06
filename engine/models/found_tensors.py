"""Finds a backbone's tensors in the content of a file, under any key and prefix, by names and shapes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor, nn

from engine.pickled_tensors import StandIn, subscript

_DEEPEST: Final = 50
_MOST_ENTRIES: Final = 500_000
_PREFERRED: Final = re.compile(r"(state_dict\.)?(model\.)?(module\.)?(backbone\.network\.)?")
"""If several places hold equally many fitting tensors, these win, then the first."""

_NOT_TRAINED: Final = re.compile(r"optim|exp_avg|momentum|grad|encoder_k\b|target_", re.IGNORECASE)
"""Keys of an optimizer's state, and of averaged copies of a network in self-supervised learning."""

Shapes = Mapping[str, tuple[int, ...]]
Renaming = Callable[[str], str]

_OLD_DENSENET: Final = ((r"(denselayer\d+\.(?:norm|conv))([12]\.)", r"\1.\2"),)
_OLD_VIT: Final = ((r"\bmlp\.0\.", "mlp.linear_1."), (r"\bmlp\.3\.", "mlp.linear_2."))
_TIMM_VIT: Final = (
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
    (r"\bln_([12])\.", r"norm\1."),
    (r"\bself_attention\.in_proj_", "attn.qkv."),
    (r"\bself_attention\.out_proj\.", "attn.proj."),
    (r"\bmlp\.0\.", "mlp.fc1."),
    (r"\bmlp\.3\.", "mlp.fc2."),
    (r"^encoder\.ln\.", "norm."),
)
_RENAMED: Final = (_OLD_DENSENET, _OLD_VIT, _TIMM_VIT)
"""Names of network parts in early files of torchvision's DenseNet and ViT, and in timm's ViT."""


@dataclass(frozen=True)
class FileContent:
    """The tensors of a file by full name (keys and names joined with dots), and its other content.

    `others` describe the entries that are not tensors, by key. `objects` are the names of Python objects among them,
    and `models` whole pickled networks, each with the subscripts that lead to it.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    models: list[tuple[str, str]] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)

    @property
    def has_arrays(self) -> bool:
        return any(name.startswith("numpy.") and name.endswith("._reconstruct") for name in self.objects)

    @classmethod
    def of(cls, found: Any) -> "FileContent":
        content = cls()
        content._add(found, (), "", iter(range(_MOST_ENTRIES)))
        return content

    def _add(self, found: Any, keys: tuple[str, ...], subscripts: str, places: Iterator[int]) -> None:
        """Adds a value below `keys` while `places` remain, because dicts and lists may contain themselves."""
        if next(places, None) is None:
            return
        if isinstance(found, Tensor) and not found.is_nested:
            self.tensors[".".join(keys)] = found
        elif isinstance(found, StandIn):
            if found.is_module:
                self.models.append((subscripts, found.name))
            self.others[".".join(keys)] = found.name
            self.objects.append(found.name)
        elif isinstance(found, Mapping | list | tuple) and len(keys) < _DEEPEST:
            entries = found.items() if isinstance(found, Mapping) else enumerate(found)
            for key, value in entries:
                self._add(value, (*keys, str(key)), f"{subscripts}[{subscript(key)}]", places)
        else:
            self.others[".".join(keys)] = type(found).__name__

    def first_keys(self) -> list[str]:
        """The distinct first parts of all names."""
        return list(dict.fromkeys(name.partition(".")[0] for name in (*self.tensors, *self.others)))


@dataclass(frozen=True)
class Place:
    """A part of a file that may hold the network's tensors: all tensors whose names begin with `prefix`.

    `tensors` have the network's names; `names` maps these to the names in the file. `fitting` counts tensors with the
    network's shapes.
    """

    prefix: str
    tensors: dict[str, Tensor]
    names: dict[str, str]
    fitting: int


def best_places(content: FileContent, network: nn.Module) -> list[Place]:
    """The places with the most tensors of the network's names and shapes, the best first.

    Empty if no tensor has such a name.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    # A few names without a fitting shape match by chance.
    enough = len(shapes) / 2
    best: list[Place] = []
    for naming in _namings(shapes, network):
        found = [one for one in _places(content.tensors, naming, shapes) if one.fitting or len(one.tensors) > enough]
        most = max((_rank(place) for place in found), default=(0, 0))
        if found and (not best or most > _rank(best[0])):
            best = [place for place in found if _rank(place) == most]
    return sorted(best, key=_preference)


def known_names(names: Iterable[str]) -> set[str]:
    """A network's names, and the names of the same tensors in older files and other libraries."""
    own = list(names)
    return {*own, *(_renamed(name, rules) for rules in _RENAMED for name in own)}


def _rank(place: Place) -> tuple[int, int]:
    return place.fitting, len(place.tensors)


def _preference(place: Place) -> tuple[bool, ...]:
    known = _PREFERRED.fullmatch(place.prefix)
    parts = [known is not None and known[group] is not None for group in (1, 2)]
    return _NOT_TRAINED.search(place.prefix) is not None, known is None, *(not is_there for is_there in parts)


def _places(tensors: Mapping[str, Tensor], naming: Mapping[str, str], shapes: Shapes) -> Iterator[Place]:
    """The places with a name of the network; `naming` maps names in the file to the network's names."""
    found: dict[str, dict[str, str]] = {}
    for full in tensors:
        for prefix, name in _splits(full):
            if name in naming:
                found.setdefault(prefix, {})[naming[name]] = full
    for prefix, names in found.items():
        held = {name: tensors[names[name]] for name in shapes if name in names}
        fitting = sum(tuple(tensor.shape) == shapes[name] for name, tensor in held.items())
        yield Place(prefix, held, names, fitting)


def _splits(full: str) -> Iterator[tuple[str, str]]:
    yield "", full
    at = full.find(".")
    while at >= 0:
        yield full[: at + 1], full[at + 1 :]
        at = full.find(".", at + 1)


def _namings(names: Iterable[str], network: nn.Module) -> Iterator[dict[str, str]]:
    """The naming schemes of the network's tensors, its own first. Each maps names in a file to the network's names."""
    known = list(names)
    yield {name: name for name in known}
    for rules in _RENAMED:
        yield {_renamed(name, rules): name for name in known}
    first = {name.partition(".")[0] for name in known}
    if len(first) == 1:
        yield {name.partition(".")[2]: name for name in known}
    # In nn.Sequential(*network.children()), numbers are the names of layers.
    number = {child: str(index) for index, (child, _) in enumerate(network.named_children())}
    if first <= number.keys():
        yield {f"{number[first]}.{rest}": name for name in known for first, _, rest in [name.partition(".")]}


def _renamed(name: str, rules: Sequence[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
