"""`ageui score`: scores a trained run on another data set."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import data_sets, words
from ageui.cli.options import AsJson, Database, DeviceToUse, Reference, messages, open_store, print_json
from engine import choices

if TYPE_CHECKING:
    from rich.progress import TaskID


def score_run(
    reference: Reference,
    data: Annotated[
        str, typer.Option(metavar="NAME", help="A registered data set, or synthetic.", autocompletion=data_sets)
    ],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="train|valid|test|all",
            help="Its images to score; else test, valid or train.",
            autocompletion=words(*choices.SPLITS, "all"),
            show_default=False,
        ),
    ] = None,
    device: DeviceToUse = "auto",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Score a trained run on another data set.

    The scores are stored with the run, as its split NAME/SPLIT. ageui show lists them, and ageui compare --split
    NAME/SPLIT compares the runs that were scored on it.

        ageui score first --data utkface
    """
    from rich.progress import Progress

    from ageui.cli.export import kept_weights, precision_of
    from ageui.cli.run_page import print_scores
    from ageui.compare.differing_settings import setting
    from ageui.text.clean import clean
    from engine.paths import cache_folder

    with open_store(db) as store, Progress(console=messages(), transient=True) as bar:
        detail = store.runs.detail(store.runs.find_one(reference))
        checkpoint, primary = kept_weights(detail), detail.primary_scores
        baseline = primary.result.baseline if primary else None
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        from engine.score import score_data  # torch: only once the run is known

        scored = score_data(
            store.checkpoint_file(checkpoint),
            store.data.get(data),
            cache=cache_folder(),
            sha256=checkpoint.sha256,
            split=split,
            constant_age=baseline.age if baseline else None,
            device=device,
            precision=precision_of(detail),
            progress=progress,
            warn=lambda message: bar.console.print(clean(message), soft_wrap=True),
        )
        store.scores.add(detail.id, scored, setting(detail.config, "target"), data)
        detail = store.runs.detail(detail.id)
    scores = detail.scores(scored.split)
    assert scores is not None
    if as_json:
        print_json(scores.to_json())
    else:
        print_scores(detail, scores)
