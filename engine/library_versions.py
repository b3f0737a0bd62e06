"""The versions of the libraries that networks come from, which are part of cache keys."""

from functools import cache
from importlib import metadata

NETWORK_LIBRARIES = ("ageui", "torch", "torchvision")


@cache
def library_versions() -> tuple[str, ...]:
    """The versions of ageui, torch and torchvision; empty for one that is not installed as a package."""
    found = []
    for name in NETWORK_LIBRARIES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return tuple(found)
