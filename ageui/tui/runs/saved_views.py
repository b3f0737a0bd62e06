"""The named views of the table of runs, in a file of the user, and changes of them with undo."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ageui.store import Store
from ageui.store.names import valid_name
from ageui.text.clean import clean
from ageui.tui.changes import Change, ChangeMade
from ageui.tui.prefs import prefs_file
from ageui.tui.runs.table_view import BUILT_IN, TableView
from engine.bounded_files import SETTINGS_BYTES, read_regular
from engine.errors import ConfigError
from engine.files import make_private_folder, write_atomically


def views_file() -> Path:
    return prefs_file().with_name("views.json")


def saved_views() -> dict[str, TableView]:
    """The user's views by name. Raises `ConfigError` if the file cannot be read."""
    return {name: TableView.from_json(stored) for name, stored in _read().items()}


def keep_view(name: str, view: TableView) -> Change:
    """Saves a view, or replaces the view of that name."""

    def change(store: Store) -> ChangeMade:
        valid = valid_name(name, "name of a view")
        if valid in BUILT_IN:
            raise ConfigError(f"the view {valid!r} is built in; choose another name")
        before = _put(valid, view.to_json())
        said = "saved" if before is None else "replaced"
        return ChangeMade(f"view {clean(valid)} {said}", undo=_undo(valid, view.to_json(), before))

    return change


def delete_view(name: str) -> Change:
    def change(store: Store) -> ChangeMade:
        before = _put(name, None)
        if before is None:
            raise ConfigError(f"the view {clean(name)!r} does not exist")
        return ChangeMade(f"view {clean(name)} deleted", undo=_undo(name, None, before))

    return change


def _undo(name: str, after: object, before: object) -> Change:
    """Undoes a change of a view unchanged since."""

    def undo(store: Store) -> ChangeMade:
        if _read().get(name) != json.loads(json.dumps(after)):
            return ChangeMade("", (f"the view {clean(name)} was changed in the meantime, so nothing was undone",))
        _put(name, before)
        return ChangeMade(f"view {clean(name)} {'removed' if before is None else 'restored'}")

    return undo


def _put(name: str, stored: object) -> object:
    """Stores a view, or removes it for None. Returns the previous view. Keeps the content of other versions."""
    views = _read()
    before = views.pop(name, None)
    if stored is not None:
        views[name] = stored
    content = json.dumps(views, indent=2).encode()
    if len(content) > SETTINGS_BYTES:
        raise ConfigError(f"{views_file()} would become too large; delete views")
    try:
        make_private_folder(views_file().parent)
        write_atomically(views_file(), lambda stream: stream.write(content))
    except OSError as error:
        raise ConfigError(f"{views_file()} cannot be written: {error.strerror}") from error
    return before


def _read() -> dict[str, Any]:
    path = views_file()
    try:
        stored: object = json.loads(read_regular(path, SETTINGS_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; fix it, or move it away") from error
    if not isinstance(stored, Mapping):
        raise ConfigError(f"{path} holds no views; fix it, or move it away")
    return dict(stored)
