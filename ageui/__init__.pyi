from ageui.api import Database as Database
from ageui.api import ShownComparison as ShownComparison
from ageui.api import ShownRun as ShownRun
from ageui.api import demo as demo
from ageui.api import open as open
from ageui.api import queue as queue
from ageui.api import train as train

__version__: str
