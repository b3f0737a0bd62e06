"""The first weights of a backbone: torchvision's ImageNet weights, a file, or random ones."""

import hashlib
import re
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import nn

from engine.backbone_names import BackboneName
from engine.bounded_files import WEIGHTS_BYTES, problem_of, read_regular
from engine.errors import ConfigError, DataError
from engine.load_report import LoadReport
from engine.models.backbones import reference_weights
from engine.models.fitting import count_random, fill, without_tensors
from engine.models.found_tensors import FileContent
from engine.pickled_tensors import load_foreign
from engine.weights_formats import DAMAGED, folder_problem, is_safetensors, refuse_head

_SECONDS_TO_ANSWER: Final = 10.0
_CHOICES: Final = "choose imagenet, random, or a weights file, such as .safetensors, .pth, .pt, .bin or .ckpt"


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
        return LoadReport("random", None, 0, count_random(network.state_dict()), 0)
    if init == "imagenet":
        source, content = _imagenet(backbone)
    else:
        source, content = init, _local(Path(init).expanduser())
    try:
        return fill(network, backbone, source, content.found, content.sha256)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def check_weights(network: nn.Module, backbone: str, init: str) -> tuple[Path, LoadReport] | None:
    """Checks that `initialise` would succeed, without downloading anything. Raises as `initialise`.

    Returns the weights file and the report on it; None if it is still to be downloaded from a server that answers.
    """
    if init != "imagenet":
        return Path(init), initialise(network, backbone, init)
    weights, path = _imagenet_file(backbone)
    if path.is_file():
        return path, initialise(network, backbone, init)
    try:
        with urlopen(Request(weights.url, method="HEAD"), timeout=_SECONDS_TO_ANSWER):
            return None
    except (OSError, HTTPException) as error:
        raise _missing(weights.url, path, f"cannot be downloaded now ({_first_line(error)})") from error


@dataclass(frozen=True)
class _Content:
    found: FileContent
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
    if not path.suffix and not path.exists():
        raise ConfigError(f"init {str(path)!r}: there is no such file; {_CHOICES}")
    if (problem := folder_problem(path)) is not None:
        raise ConfigError(f"{path} cannot be read as weights: {problem}")
    try:
        content = read_regular(path, WEIGHTS_BYTES, refuse_head)
        if is_safetensors(content):
            found = FileContent(dict(sorted(load_safetensors(content).items())))
        else:
            found = FileContent.of(load_foreign(content, str(path)))
    except OSError as error:
        raise ConfigError(f"the weights file {path} cannot be read: {problem_of(error)}") from None
    except ValueError as error:
        raise ConfigError(f"{path} cannot be read as weights: {error}") from None
    except SafetensorError as error:
        raise ConfigError(f"{path} cannot be read as weights: {DAMAGED} ({_first_line(error)})") from None
    if not found.tensors:
        raise ConfigError(f"{path} cannot be read as weights: {without_tensors(found, path)}")
    return _Content(found, hashlib.sha256(content).hexdigest())
