"""The folder outside the project that holds decoded pixels and cached features."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """`$AGEUI_CACHE`, else the platform's cache folder for ageui. Safe to delete: it is rebuilt when needed."""
    named = os.environ.get("AGEUI_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("ageui", appauthor=False)
