"""The application in a page: `python -P -m ageui.serve --db FILE`, started by the server for each open page."""

import argparse
import os
import sys
from pathlib import Path

from ageui.store import Store
from ageui.store.connect import READ_ONLY_VARIABLE
from ageui.text.clean import error_text
from ageui.tui.app import AgeUIApp
from ageui.tui.permissions import Permissions
from ageui.tui.prefs import Prefs
from engine.errors import AgeUIError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ageui.serve", description="Started by: ageui serve")
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--allow-changes", action="store_true")
    arguments = parser.parse_args()
    if not arguments.allow_changes:
        os.environ[READ_ONLY_VARIABLE] = "1"  # for the commands that this process starts, too
    permissions = Permissions(changes=arguments.allow_changes, folder=Path.cwd())
    try:
        with Store.open(arguments.db, read_only=not permissions.changes) as store:
            AgeUIApp(store, Prefs.load(), permissions=permissions).run()
    except AgeUIError as error:
        sys.stderr.write(f"ageui: {error_text(error)}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
