"""The hierarchy of errors made for people.

Each class has the exit code of a command that ends with it, and the name that a failed run is filed under.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple


class Problem(NamedTuple):
    """Something wrong with a field of a config or form.

    `text` is a complete sentence. A rule over several fields names the others that could break it in `others`.
    """

    field: str
    text: str
    others: tuple[str, ...] = ()


class AgeUIError(Exception):
    """An error that a person can act on. Its message says what is wrong, with which input, and what to do.

    `problems` hold one line of the message for each wrong field; they are empty if no field is to blame.
    """

    exit_code: ClassVar[int] = 1
    failure: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message or "\n".join(problem.text for problem in problems))
        self.problems = tuple(problems)


class RunFailedError(AgeUIError):
    """A run started and could not finish."""

    exit_code = 1


class DiskFullError(RunFailedError):
    """No space is left for the files of a run."""

    failure = "disk_full"


class ConfigError(AgeUIError):
    """A wrong flag, config field or combination of them."""

    exit_code = 2
    failure = "config"


class DataError(AgeUIError):
    """A data set, label or image that cannot be used."""

    exit_code = 3
    failure = "data"


class DeviceError(AgeUIError):
    """A device that is missing or cannot be used."""

    exit_code = 4
    failure = "device"


class GpuMemoryError(DeviceError):
    """A GPU ran out of memory."""

    failure = "gpu_memory"


class HostMemoryError(DeviceError):
    """The machine ran out of memory."""

    failure = "memory"


OUT_OF_MEMORY: Final = (GpuMemoryError.failure, HostMemoryError.failure, "oom_killed")
"""The failures of runs for which the memory did not suffice; the system killed the last."""


class StoreError(AgeUIError):
    """A database that cannot be opened, read or written."""

    exit_code = 5
    failure = "database"


class FullError(StoreError):
    """No space is left on the disk of the database or of a lock file."""
