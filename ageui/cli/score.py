"""`ageui score`: scores a trained run on another data set, or without duplicates."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import data_sets, words
from ageui.cli.options import AsJson, Database, DeviceToUse, Reference, open_store, print_json
from ageui.console.consoles import messages
from engine import choices

if TYPE_CHECKING:
    from rich.progress import TaskID

    from ageui.store import RunDetail, Store


def score_run(
    reference: Reference,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Registered data set, or synthetic.",
            autocompletion=data_sets,
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="train|valid|test|all",
            help="Split to score (default: test, valid or train).",
            autocompletion=words(*choices.SPLITS, "all"),
            show_default=False,
        ),
    ] = None,
    without_duplicates: Annotated[
        bool,
        typer.Option(
            "--without-duplicates",
            help="Leave out images with a duplicate in train; without --data, score the run's own split.",
        ),
    ] = False,
    device: DeviceToUse = "auto",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Score a trained run on another data set, or without duplicates.

    The command stores the scores with the run, as its split NAME/SPLIT. ageui show prints them; ageui compare --split
    NAME/SPLIT compares runs on them.

    --without-duplicates leaves out images with a duplicate or near-duplicate among the run's train images. These
    scores are a split, too, such as test-without-duplicates.

        ageui score first --data utkface
        ageui score first --without-duplicates
    """
    from ageui.cli.run_page import print_scores
    from engine.errors import ConfigError

    if data is None and not without_duplicates:
        raise ConfigError("nothing to score; add --data NAME, --without-duplicates, or both")
    with open_store(db) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        if data is not None:
            split = _score_on(store, detail, data, split, device)
        if without_duplicates:
            split = store.scores.without_duplicates(detail.id, split or _own_split(detail)).split
        detail = store.runs.detail(detail.id)
    scores = detail.scores(split or "")
    assert scores is not None
    if as_json:
        print_json(scores.to_json())
    else:
        print_scores(detail, scores)


def _own_split(detail: "RunDetail") -> str:
    """The run's primary split. Raises `ConfigError` if the run has no scores."""
    from engine.errors import ConfigError

    if detail.primary_scores is None:
        raise ConfigError(f"run {detail.id} has no scores yet; wait until its training ends")
    return detail.primary_scores.split


def _score_on(store: "Store", detail: "RunDetail", data: str, split: str | None, device: str) -> str:
    """Scores a run on another data set and stores the scores. Returns the name of their split."""
    from rich.progress import Progress

    from ageui.compare.differing_settings import setting
    from ageui.derive.prediction_weights import kept_weights, precision_of
    from ageui.text.clean import clean
    from engine.paths import cache_folder

    with Progress(console=messages(), transient=True) as bar:
        checkpoint, primary = kept_weights(detail), detail.primary_scores
        baseline = primary.result.baseline if primary else None
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        from engine.score import score_data  # imports torch, so only after the run was found

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
    return scored.split
