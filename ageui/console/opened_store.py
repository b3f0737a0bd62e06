"""Opens a database, and tells what happened to its runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ageui.console.consoles import messages, print_prose
from ageui.files.database_path import database_path, real_path

if TYPE_CHECKING:
    from ageui.store import Store


@contextmanager
def opened_store(
    option: Path | None,
    *,
    create: bool = False,
    files: Path | None = None,
    read_only: bool = False,
    starts_worker: bool = False,
    rescores: bool = True,
) -> "Iterator[Store]":
    """Opens the database; a new database uses the folder `files`.

    Requeues lost runs unless `read_only`. Reports on stderr: a shipped example whose copy is opened instead, lost runs,
    and, unless this command `starts_worker`, runs whose worker was killed. Scores results of an earlier version again
    in the background. The exit code of a command that changes the database does not depend on its output, see
    `ageui.cli.streams`.
    """
    from ageui.store import Store
    from ageui.store.example import copy_sentence, opened_path
    from ageui.text.clean import clean
    from ageui.worker.left_behind import left_behind_sentence
    from ageui.worker.lost_runs import find_lost, lost_sentence, recover_lost
    from ageui.worker.rescorer import start_rescoring

    named = real_path(database_path(option))
    path = opened_path(named, to_change=not read_only)
    if path != named:
        print_prose(messages(), copy_sentence(named, path))
    with Store.open(path, create=create, read_only=read_only, files=files) as store:
        lost = find_lost(store) if read_only else []
        if lost:
            messages().print(lost_sentence(lost), soft_wrap=True)
        for found in recover_lost(store):
            messages().print(clean(found.sentence()), soft_wrap=True)
        if not starts_worker and (offer := left_behind_sentence(store, lost)):
            messages().print(offer, soft_wrap=True)
        if rescores and (sentence := start_rescoring(store)):
            messages().print(clean(sentence), soft_wrap=True)
        yield store
