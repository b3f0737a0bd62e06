"""Copies a file's tensors into a backbone, and refuses tensors that only seem to fit."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from engine.backbone_names import BackboneName
from engine.counted import counted
from engine.load_report import LoadReport
from engine.models.architectures import holds_network, named_architecture, network_shapes
from engine.models.found_tensors import FileContent, Place, best_places, known_names
from engine.pickled_tensors import arrays_line, convert_line, whole_model
from engine.short_text import FEW, short, short_list

_SHOWN: Final = 3
_COMPARED_PLACES: Final = 8
_LONGEST: Final = 100
_VALUES: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_POSITIONS: Final = "encoder.pos_embedding"


def fill(network: nn.Module, backbone: str, source: str, content: FileContent, sha256: str) -> LoadReport:
    """Copies the tensors of a file into a network, by matching names and shapes.

    Parameters
    ----------
    network
        The backbone's network.
    backbone
        Name of the backbone.
    source, content, sha256
        Name of the file for messages, its content, and its hash.

    Raises
    ------
    ValueError
        If no tensor fits, or if tensors belong to another network, are quantised, or not finite.
    """
    state = network.state_dict()
    places = best_places(content, network)
    if not places:
        raise ValueError(
            f"no tensor of {source} belongs to backbone {backbone}: {_seen(content)}"
            f"{_other_network(content.tensors, backbone)}"
        )
    first = places[:_COMPARED_PLACES]
    place = min(first, key=lambda one: bool(_foreign_layers(network, backbone, _unused(one, content))))
    _refuse_no_numbers(place, state, source)
    _refuse_shapes(place, state, content, source, backbone)
    unused = _unused(place, content)
    left = {name: tensor for name, tensor in state.items() if name not in place.tensors}
    foreign = _foreign_layers(network, backbone, unused)
    if foreign or count_random(left):
        _refuse_other_network(place, unused, source, backbone)
    _refuse_mostly_other(place, len(unused), count_random(left), content, source, backbone)
    values = {name: tensor.to(state[name].dtype) for name, tensor in place.tensors.items()}
    _refuse_not_finite(values, source)
    network.load_state_dict(values, strict=False)
    alike = [one for one in places if one is not place and one.tensors.keys() == values.keys()]
    others = [name for name in content.tensors if not name.startswith(place.prefix)]
    return LoadReport(
        source, sha256, len(values), count_random(left), len(content.tensors) - len(values),
        below=place.prefix,
        also_below=tuple(one.prefix or "the file's own names" for one in alike),
        random_parts=_parts((name for name, tensor in left.items() if tensor.is_floating_point()), values),
        ignored_parts=(*_parts(unused, place.names), *_parts(others, place.names.values())),
        warnings=tuple(_warnings(left, state, foreign, backbone)),
    )  # fmt: skip


def without_tensors(content: FileContent, path: Path) -> str:
    """The problem of a file without tensors."""
    if content.models:
        subscripts, name = content.models[0]
        return whole_model(name, str(path), subscripts)
    held = short_list((f"{short(key) or 'a value'} ({kind})" for key, kind in content.others.items()), FEW, _LONGEST)
    if content.has_arrays:
        return f"it holds no tensors but {held}; if you trust it, save its arrays as tensors: {arrays_line(str(path))}"
    if content.objects:
        return (
            f"it holds {held}, and tensors inside these Python objects cannot be read without running code; if you "
            f"trust the file, save the tensors of the network alone: {convert_line(str(path))}"
        )
    return f"it holds {held or 'nothing'} and no tensors; save those of a network: torch.save(model.state_dict(), FILE)"


def count_random(state: Mapping[str, Tensor]) -> int:
    """The number of tensors that start random unless loaded."""
    return sum(tensor.is_floating_point() for tensor in state.values())


def _warnings(
    left: Mapping[str, Tensor], state: Mapping[str, Tensor], foreign: Iterable[str], backbone: str
) -> Iterable[str]:
    random, own = _numbers(left), _numbers(state)
    if random > own / 2 or count_random(left) > count_random(state) / 2:
        yield (
            f"most of backbone {backbone} starts random: {count_random(left)} of {count_random(state)} tensors, "
            f"{100 * random // own}% of its parameters, are not in the file; check that it is the right file"
        )
    if named := list(foreign):
        yield (
            f"the file has layers inside {short_list(named, FEW)} that backbone {backbone} lacks, so its features "
            "differ from those of the trained network"
        )


def _refuse_no_numbers(place: Place, state: Mapping[str, Tensor], source: str) -> None:
    for name, tensor in place.tensors.items():
        kind = str(tensor.dtype).removeprefix("torch.")
        if tensor.is_quantized or (state[name].is_floating_point() and tensor.dtype not in _VALUES):
            raise ValueError(
                f"{source} cannot be used: {place.names[name]} is {kind}, as in quantised weights; take the weights in "
                "float32, float16 or bfloat16"
            )
        if tensor.is_meta or tensor.layout != torch.strided:
            what = "has a shape but no values" if tensor.is_meta else "is sparse"
            raise ValueError(f"{source} cannot be used: {place.names[name]} {what}; save the whole tensors")


def _refuse_shapes(place: Place, state: Mapping[str, Tensor], content: FileContent, source: str, backbone: str) -> None:
    wrong = [name for name, tensor in place.tensors.items() if tensor.shape != state[name].shape]
    if not wrong:
        return
    shown = "; ".join(
        f"{name} is {tuple(place.tensors[name].shape)} in the file, {tuple(state[name].shape)} in the backbone"
        for name in wrong[:_SHOWN]
    )
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    advice = _other_network(content.tensors, backbone)
    if wrong == [_POSITIONS] and place.tensors[_POSITIONS].ndim == 3:
        patches = math.isqrt(max(place.tensors[_POSITIONS].shape[1] - 1, 0))
        advice = f"; choose --size {patches * state['conv_proj.weight'].shape[-1]}, at which they were trained"
    raise ValueError(
        f"{source} does not fit backbone {backbone}: {len(wrong)} of {len(place.tensors)} tensors differ in shape: "
        f"{shown}{more}{advice or '; choose the backbone of the file, or remove these tensors from it'}"
    )


def _refuse_other_network(place: Place, unused: Mapping[str, Tensor], source: str, backbone: str) -> None:
    """Raises `ValueError` for the complete weights of another network that contains the backbone or is part of it."""
    given = {**unused, **place.tensors}
    found, own = named_architecture(given), BackboneName.parse(backbone)
    if found is None or found[0] == own.network or own.library != "torchvision":
        return
    shapes = {name: tuple(tensor.shape) for name, tensor in given.items()}
    if holds_network(shapes, own.network) and len(network_shapes(own.network)) >= found[1]:
        return
    cut = f"@{own.layer}" if own.layer else ""
    raise ValueError(
        f"{source} holds the weights of {found[0]}, not of {own.network}; choose --backbone {found[0]}{cut}, or the "
        f"weights of {own.network}"
    )


def _refuse_mostly_other(
    place: Place, unused: int, random: int, content: FileContent, source: str, backbone: str
) -> None:
    """Raises `ValueError` if only a few names match by chance, while most tensors of both have no counterpart."""
    if random > len(place.tensors) and unused > len(place.tensors):
        raise ValueError(
            f"{source} does not fit backbone {backbone}: it has only {counted(len(place.tensors), 'tensor')} of the "
            f"backbone's {len(place.tensors) + random} ({short_list(place.names.values(), FEW)}), and "
            f"{counted(unused, 'other')}: {_seen(content)}"
            f"{_other_network(content.tensors, backbone)}"
        )


def _refuse_not_finite(values: Mapping[str, Tensor], source: str) -> None:
    bad = {name: int((~tensor.isfinite()).sum()) for name, tensor in values.items() if tensor.is_floating_point()}
    bad = {name: count for name, count in bad.items() if count}
    if bad:
        name, count = next(iter(bad.items()))
        more = f"; so do {len(bad) - 1} other tensors" if len(bad) > 1 else ""
        raise ValueError(
            f"{source} cannot be used: {name} holds {count:,} values of {values[name].numel():,} that are not finite "
            f"(NaN or infinite){more}; take weights from before training diverged"
        )


def _unused(place: Place, content: FileContent) -> dict[str, Tensor]:
    """The tensors of a place that are not in the network.

    Names are the network's, even if the file has numbers in place of layer names.
    """
    layers: dict[str, str] = {}
    for own, full in place.names.items():
        (layer, _, inner), (number, _, rest) = own.partition("."), full.removeprefix(place.prefix).partition(".")
        if inner == rest:
            layers[number] = layer
    used, unused = set(place.names.values()), {}
    for full, tensor in content.tensors.items():
        if full.startswith(place.prefix) and full not in used:
            first, dot, rest = full.removeprefix(place.prefix).partition(".")
            unused[f"{layers.get(first, first)}{dot}{rest}"] = tensor
    return unused


def _foreign_layers(network: nn.Module, backbone: str, unused: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The layers of a network in which the file has tensors that the whole network lacks."""
    layers = {name for name, _ in network.named_children()}
    inside = [name for name in unused if name.partition(".")[0] in layers]
    if not inside:
        return ()
    whole = network_shapes(BackboneName.parse(backbone).network)
    known = {name.rpartition(".")[0] for name in known_names(whole)}
    foreign = Counter(name.partition(".")[0] for name in inside if name.rpartition(".")[0] not in known)
    return tuple(foreign) if whole else ()


def _other_network(tensors: Mapping[str, Tensor], backbone: str) -> str:
    found = named_architecture(tensors)
    if found is None or found[0] == BackboneName.parse(backbone).network:
        return ""
    return f"; these are the weights of {found[0]}: choose --backbone {found[0]}"


def _seen(content: FileContent) -> str:
    """A short description of a file's content."""
    tensors = content.tensors.items()
    named = (f"{short(name) or 'one without a name'} {tuple(tensor.shape)}" for name, tensor in tensors)
    shown = short_list(named, FEW, _LONGEST)
    keys = [short(key) for key in content.first_keys() if key]
    below = f" under {short_list(map(repr, keys), FEW)}" if keys and len(keys) < len(tensors) else ""
    return f"the file holds {counted(len(tensors), 'tensor')}{below}: {shown}"


def _parts(chosen: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The shortest layer names that cover the `chosen` tensors and none of the `others`.

    Examples
    --------
    >>> _parts(["layer4.0.conv1.weight", "layer4.1.bn1.bias", "bn1.bias"], ["layer3.0.conv1.weight", "bn1.weight"])
    ('layer4', 'bn1.bias')
    """
    taken = {above for name in others for above in _above(name)}
    found = {next((above for above in _above(name) if above not in taken), name): None for name in chosen}
    return tuple(map(short, found))


def _above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _numbers(state: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point())
