"""`ageui rm`: deletes runs, or only their predictions."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import Database, open_store
from ageui.cli.queue import References
from ageui.console.consoles import messages, sayer

if TYPE_CHECKING:
    from ageui.store import Store


def delete_runs(
    references: References,
    predictions: Annotated[
        bool,
        typer.Option("--predictions", help="Delete only predictions and image names; scores stay."),
    ] = False,
    sources: Annotated[
        bool,
        typer.Option("--sources", help="Also delete sources of derived runs, which then cannot predict."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    db: Database = None,
) -> None:
    """Delete runs permanently, with their scores, predictions and files.

    The command refuses running runs and, without --sources, sources of ensembles and calibrated runs. Filters match
    archived runs only with archived=true. Data sets, reports and exports stay.

        ageui rm 12
        ageui rm 12 --predictions
        ageui rm 'archived=true mae>12' --yes
    """
    from ageui.text.sentences import counted
    from ageui.worker.removal import plan_removal, remove_predictions, remove_runs

    say = sayer(messages())
    with open_store(db, rescores=False) as store:
        run_ids = store.runs.find_all(references)
        _refuse_several_filters(store, references)
        plan = plan_removal(store, run_ids)
        if predictions and not plan.predictions:
            say("these runs have no predictions; nothing deleted")
            return
        if not yes:
            _confirm(plan.question_about_predictions() if predictions else plan.question())
        left = remove_predictions(store, run_ids) if predictions else remove_runs(store, run_ids, sources=sources)
        runs = counted(len(run_ids), "run")
        say(f"predictions of {runs} deleted; the scores stay" if predictions else f"{runs} deleted")
        for sentence in left:
            say(f"ageui: {sentence}")


def _refuse_several_filters(store: "Store", references: Sequence[str]) -> None:
    """Raises `ConfigError` for `tag=a loss=b` without quotes, which would delete the runs that match either term."""
    from ageui.store.filters import is_filter
    from ageui.text.clean import clean
    from engine.errors import ConfigError

    names = store.runs.taken_names(references)
    filters = [clean(reference) for reference in references if reference not in names and is_filter(reference)]
    if len(filters) > 1:
        raise ConfigError(
            f"{len(filters)} filters would delete the runs that match any of them; to delete the runs that match all, "
            f"quote them as one filter: '{' '.join(filters)}'"
        )


def _confirm(question: str) -> None:
    """Asks the user. Raises `ConfigError` without a terminal, and exits with 1 if the answer is no."""
    from ageui.text.clean import clean
    from engine.errors import ConfigError

    if not _is_terminal():
        raise ConfigError(f"{question} Without a terminal, confirm with --yes")
    if not typer.confirm(clean(question), err=True):
        messages().print("nothing deleted")
        raise typer.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
