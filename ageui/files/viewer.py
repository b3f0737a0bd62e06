"""Opens a file in the system's viewer."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_SECONDS_TO_FAIL = 1.5


def open_in_viewer(path: Path) -> str:
    """Opens a file in `$AGEUI_VIEWER`, else the system's viewer. Returns a sentence for people, which says how to look
    at the file if no viewer works.

    Waits a moment in case the viewer fails at once, but not for its end.
    """
    command, why_not = _viewer()
    if command is None:
        return f"{why_not}: the file is {path}; copy it to a machine with a screen, or name a viewer in AGEUI_VIEWER"
    try:
        viewer = subprocess.Popen(
            [*command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        code = viewer.wait(_SECONDS_TO_FAIL)
    except subprocess.TimeoutExpired:
        code = 0
    except OSError as error:
        return f"{command[0]} cannot be started ({error.strerror}): the file is {path}"
    if code:
        return f"{command[0]} ended with exit code {code}: the file is {path}; name another viewer in AGEUI_VIEWER"
    return f"opened with {Path(command[0]).name}: {path}"


def _viewer() -> tuple[list[str] | None, str]:
    """The viewer's command, or None and the reason why none was found."""
    named = os.environ.get("AGEUI_VIEWER", "")
    if named.strip():
        try:
            return shlex.split(named), ""
        except ValueError:
            return None, "AGEUI_VIEWER has a quote that is never closed"
    if sys.platform == "darwin":
        return ["open"], ""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None, "no screen is available"
    if shutil.which("xdg-open") is None:
        return None, "xdg-open is not installed"
    return ["xdg-open"], ""
