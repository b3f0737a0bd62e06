"""The hierarchy of errors with messages for people.

Each class has the exit code of a command that ends with it, and the name under which a failed run is filed.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple


class Problem(NamedTuple):
    """A problem with a field of a config or form.

    `text` is a complete sentence. For a rule over several fields, `others` are the other fields that may break it.
    """

    field: str
    text: str
    others: tuple[str, ...] = ()


class AgeUIError(Exception):
    """An error that a person can act on. Its message names the problem, the input and the remedy.

    `problems` holds a line of the message for each wrong field; empty if no field is to blame.
    """

    exit_code: ClassVar[int] = 1
    failure: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message or "\n".join(problem.text for problem in problems))
        self.problems = tuple(problems)


class RunFailedError(AgeUIError):
    """A run started but could not finish."""

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
"""The failures of runs that ran out of memory; in the last, the system killed the run."""


class StoreError(AgeUIError):
    """A database that cannot be opened, read or written."""

    exit_code = 5
    failure = "database"


class FullError(StoreError):
    """No space is left on the disk of the database or of a lock file."""
