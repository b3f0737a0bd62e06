"""The versions of the libraries that networks come from: parts of the keys of what is cached about networks."""

from functools import cache
from importlib import metadata

_LIBRARIES = ("ageui", "torch", "torchvision")


@cache
def library_versions() -> tuple[str, ...]:
    """Of ageui, torch and torchvision; empty where one is not installed as a package."""
    found = []
    for name in _LIBRARIES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return tuple(found)
