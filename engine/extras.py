"""Packages of optional extras, imported by the few functions that need them."""

import importlib
from types import ModuleType

from engine.errors import ConfigError


def needs(extra: str, package: str) -> ModuleType:
    """The imported module `package`, which comes with an extra such as `faces`.

    Raises `ConfigError` that names the extra if the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        raise ConfigError(
            f"{package} is not installed; install the extra {extra!r} in the folder of ageui: pip install '.[{extra}]'"
        ) from None
