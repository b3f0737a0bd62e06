"""The one hierarchy of errors made for people; each class knows the exit code of a command that ends with it."""

from typing import ClassVar


class AgeUIError(Exception):
    """Something a person can act on. The message says what is wrong, with which input, and what to do."""

    exit_code: ClassVar[int] = 1


class RunFailedError(AgeUIError):
    """A run that started and could not finish."""

    exit_code = 1


class ConfigError(AgeUIError):
    """A wrong flag, config field or combination of them."""

    exit_code = 2


class DataError(AgeUIError):
    """A data set, label or image that cannot be used."""

    exit_code = 3


class DeviceError(AgeUIError):
    """A device that is missing, or memory that ran out."""

    exit_code = 4


class StoreError(AgeUIError):
    """A database that cannot be opened, read or written."""

    exit_code = 5
