"""Packages of the extras, which a plain install lacks."""

from importlib.util import find_spec

from engine.errors import ConfigError


def needs(extra: str, package: str) -> None:
    """Raises a `ConfigError` that names the extra, if the package that it brings cannot be imported."""
    if find_spec(package) is None:
        raise ConfigError(
            f"this needs the package {package}, which is not installed; install it with: pip install '.[{extra}]'"
        )
