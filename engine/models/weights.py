"""The first weights of a backbone: torchvision's ImageNet weights, a file, or random ones."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from engine.backbone_names import BackboneName
from engine.bounded_files import WEIGHTS_BYTES, problem_of, read_regular
from engine.errors import ConfigError, DataError
from engine.models.backbones import reference_weights
from engine.weights_formats import load_tensors, refuse_pickle_head, refuse_safetensors_head

PICKLE_SUFFIXES: Final = (".pt", ".pth")
SUFFIXES: Final = (".safetensors", *PICKLE_SUFFIXES)
WRAPPERS: Final = ("state_dict", "model")
PREFIXES: Final = ("module.", "backbone.network.")
SHOWN: Final = 3
_SECONDS_TO_ANSWER: Final = 10.0

# The first DenseNet files call a layer's parts norm.1 and conv.1 where the network has norm1 and conv1.
_OLD_DENSENET: Final = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


@dataclass(frozen=True)
class LoadReport:
    """The origin of a backbone's first weights.

    All tensors of the state count: weights, batch-norm statistics and their step counters. `loaded` came from `source`;
    `random` kept their initial values, without whole-number tensors (counters, position tables), which are never
    random; `ignored` tensors of the file have no place in the backbone; `sha256` is the file's hash.
    """

    source: str
    sha256: str | None
    loaded: int
    random: int
    ignored: int

    def sentence(self) -> str:
        if self.sha256 is None:
            return f"all {self.random} tensors begin random"
        return f"loaded {self.loaded} tensors of {self.source}, {self.random} left random, {self.ignored} ignored"


def initialise(network: nn.Module, backbone: str, init: str) -> LoadReport:
    """Loads the weights that `init` names into a network with random initial weights.

    Parameters
    ----------
    network
        The backbone's network.
    backbone
        Name of the backbone.
    init
        `imagenet`, `random` or a weights file.

    Raises
    ------
    ConfigError
        For a file that cannot be read or does not fit.
    DataError
        For ImageNet weights that are missing and cannot be downloaded.
    """
    if init == "random":
        return LoadReport("random", None, 0, _count_random(network.state_dict()), 0)
    if init == "imagenet":
        source, content = _imagenet(backbone)
    else:
        source, content = init, _local(Path(init).expanduser())
    loaded, ignored = _fit(network, _names_as_in_network(content.tensors), source, backbone)
    left = {name: tensor for name, tensor in network.state_dict().items() if name not in loaded}
    return LoadReport(source, content.sha256, len(loaded), _count_random(left), ignored)


def check_weights(network: nn.Module, backbone: str, init: str) -> Path | None:
    """Checks that `initialise` would succeed, without downloading anything. Raises as `initialise`.

    Returns the weights file; None if it is still to be downloaded from a server that answers.
    """
    if init != "imagenet":
        initialise(network, backbone, init)
        return Path(init)
    weights, path = _imagenet_file(backbone)
    if path.is_file():
        initialise(network, backbone, init)
        return path
    try:
        with urlopen(Request(weights.url, method="HEAD"), timeout=_SECONDS_TO_ANSWER):
            return None
    except (OSError, HTTPException) as error:
        raise _missing(weights.url, path, f"cannot be downloaded now ({_first_line(error)})") from error


@dataclass(frozen=True)
class _Content:
    tensors: dict[str, Tensor]
    sha256: str


def _imagenet_file(backbone: str) -> tuple[Any, Path]:
    """torchvision's description of a backbone's ImageNet weights, and their place. Raises `ConfigError` without any."""
    parsed = BackboneName.parse(backbone)
    if parsed.original_strides:
        raise ConfigError(
            f"torchvision has no ImageNet weights for {backbone}: they are for {parsed.network}, whose strides differ; "
            "give a file with --init FILE, or choose the backbone without -v1"
        )
    weights = reference_weights(parsed.network)
    return weights, Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name


def _imagenet(backbone: str) -> tuple[str, _Content]:
    weights, path = _imagenet_file(backbone)
    # torchvision puts the first digits of the SHA-256 into the file's name.
    expected = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if not path.is_file():
        _download(weights.url, path, expected[1] if expected else None)
    try:
        content = _local(path)
    except ConfigError as error:
        raise DataError(f"{error}; delete it, it will be downloaded again") from error
    if expected and not content.sha256.startswith(expected[1]):
        raise DataError(
            f"{path} is damaged (its SHA-256 is not {expected[1]}…); delete it, it will be downloaded again"
        )
    return str(weights), content


def _download(url: str, path: Path, sha256_begin: str | None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), sha256_begin, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        raise _missing(url, path, f"could not be downloaded ({_first_line(error)})") from error


def _missing(url: str, path: Path, why: str) -> DataError:
    return DataError(
        f"the ImageNet weights {path.name} are missing and {why}; fetch {url} elsewhere and put the file into "
        f"{path.parent}, or go on without: --init random --strategy scratch"
    )


def _first_line(error: Exception) -> str:
    return str(getattr(error, "reason", error)).partition("\n")[0]


def _local(path: Path) -> _Content:
    """Reads a weights file. Raises `ConfigError` with the problem."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"init {str(path)!r}: choose imagenet, random, or a weights file that ends in {', '.join(SUFFIXES)}"
        )
    is_pickle = path.suffix.lower() in PICKLE_SUFFIXES
    kind, read = ("PyTorch", load_tensors) if is_pickle else ("safetensors", load_safetensors)
    try:
        content = read_regular(path, WEIGHTS_BYTES, refuse_pickle_head if is_pickle else refuse_safetensors_head)
        found = read(content)
    except OSError as error:
        raise ConfigError(f"the weights file {path} cannot be read: {problem_of(error)}") from None
    except (ValueError, SafetensorError) as error:
        raise ConfigError(f"{path} cannot be read as {kind} weights: {error}") from None
    return _Content(_tensors(found, path), hashlib.sha256(content).hexdigest())


def _tensors(found: Any, path: Path) -> dict[str, Tensor]:
    """The named tensors of a file, possibly under `state_dict` or `model` beside other entries."""
    for wrapper in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping):
        raise ConfigError(f"{path} holds no named tensors (a state_dict) but a {type(found).__name__}")
    return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}


def _names_as_in_network(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in tensors.items():
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        renamed[_OLD_DENSENET.sub(r"\1\2", name)] = tensor
    return renamed


def _fit(network: nn.Module, tensors: Mapping[str, Tensor], source: str, backbone: str) -> tuple[set[str], int]:
    """Copies the tensors that the network has names for; returns these names and the number of other tensors."""
    state = network.state_dict()
    matching = {name: tensors[name] for name in state if name in tensors}
    if not matching:
        examples = ", ".join(sorted(tensors)[:SHOWN]) or "no tensor at all"
        raise ConfigError(f"no tensor of {source} belongs to backbone {backbone}; the file holds {examples}")
    wrong = [name for name, tensor in matching.items() if tensor.shape != state[name].shape]
    if wrong:
        shown = "; ".join(
            f"{name} is {tuple(matching[name].shape)} in the file, {tuple(state[name].shape)} in the backbone"
            for name in wrong[:SHOWN]
        )
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ConfigError(f"{source} does not fit backbone {backbone}: {shown}{more}")
    network.load_state_dict({name: tensor.to(state[name].dtype) for name, tensor in matching.items()}, strict=False)
    return set(matching), len(tensors) - len(matching)


def _count_random(state: Mapping[str, Tensor]) -> int:
    return sum(tensor.is_floating_point() for tensor in state.values())
