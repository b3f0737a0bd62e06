"""The versions of the libraries of networks, which are part of cache keys."""

from functools import cache
from importlib import metadata

from engine.backbone_names import TIMM_PREFIX

NETWORK_LIBRARIES = ("ageui", "torch", "torchvision")


@cache
def library_versions() -> tuple[str, ...]:
    """The versions of ageui, torch and torchvision; empty for a library that is not installed as a package."""
    found = []
    for name in NETWORK_LIBRARIES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return tuple(found)


@cache
def timm_version(backbone: str) -> str:
    """The version of timm for a backbone of timm; empty for other backbones, and without timm."""
    try:
        return metadata.version("timm") if backbone.startswith(TIMM_PREFIX) else ""
    except metadata.PackageNotFoundError:
        return ""
