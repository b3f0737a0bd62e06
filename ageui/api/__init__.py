"""The Python interface: what the commands read and do, as pandas tables, torch modules and objects that notebooks show.

`import ageui` imports this package when one of its names is first used.
"""

from ageui.api.database import Database, demo, open
from ageui.api.shown import ShownComparison, ShownRun
from ageui.api.training import queue, train

__all__ = ["Database", "ShownComparison", "ShownRun", "demo", "open", "queue", "train"]
