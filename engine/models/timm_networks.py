"""Networks of timm without their classifier. Only these functions import timm."""

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor, nn

from engine.backbone_names import TIMM_PREFIX, suggestion
from engine.errors import ConfigError
from engine.extras import needs

EXTRA: Final = "timm"
_HUB_FILE: Final = "model.safetensors"


def create(name: str, size: int) -> nn.Module:
    """A network with random weights for images of `size` pixels, which gives pooled features (B, F).

    Raises
    ------
    ConfigError
        If timm lacks the network, or the extra is not installed.
    ValueError, AssertionError
        If the network cannot take the size.
    """
    return _create(name, size, pretrained=False)


def converted(name: str, size: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network's pretrained weights, with the network's names and shapes at a size.

    Raises `RuntimeError`, `KeyError`, `ValueError` or `AssertionError` if tensors do not fit.
    """
    file = {"state_dict": dict(tensors), "custom_load": False}
    network = _create(name, size, pretrained=True, pretrained_cfg_overlay=file)
    return dict(network.state_dict())


def arguments(name: str, size: int) -> dict[str, Any]:
    """The constructor argument of networks built for one image size. Raises like `create`."""
    own = name.removeprefix(TIMM_PREFIX)
    timm = _timm()
    architecture, has_tag, _ = own.partition(".")
    known = timm.list_models(pretrained=True) if has_tag else timm.list_models()
    if own not in known:
        close = [one for one in known if one.startswith(f"{architecture}.")] or known
        raise ConfigError(
            f"unknown timm network {name!r}{suggestion(own, close)}; "
            'list all with: python -c "import timm; print(*timm.list_models(pretrained=True))"'
        )
    if not timm.get_pretrained_cfg(own).fixed_input_size:
        return {}
    return {"img_size": size}


def normalisation_and_size(network: Any) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], int]:
    """Mean and standard deviation of RGB in [0, 1], and the side of the images on which the weights were trained."""
    own = network.pretrained_cfg
    return (tuple(own["mean"]), tuple(own["std"])), int(own["input_size"][-1])


def pretrained_url(name: str) -> str | None:
    """The address of a network's pretrained weights; None if timm has none."""
    own = _timm().get_pretrained_cfg(name.removeprefix(TIMM_PREFIX))
    if not own.hf_hub_id:
        return own.url or None
    hub = needs(EXTRA, "huggingface_hub")
    return str(hub.hf_hub_url(repo_id=own.hf_hub_id, filename=own.hf_hub_filename or _HUB_FILE))


def _create(name: str, size: int, **options: Any) -> nn.Module:
    network: nn.Module = _timm().create_model(
        name.removeprefix(TIMM_PREFIX), num_classes=0, **arguments(name, size), **options
    )
    return network


def _timm() -> Any:
    return needs(EXTRA, "timm")
