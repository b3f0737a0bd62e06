"""`ageui ensemble` and `ageui calibrate`: runs made from the predictions of other runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import words
from ageui.cli.options import AsJson, Database, messages, open_store, print_json
from ageui.cli.queue import References

if TYPE_CHECKING:
    from ageui.store import Store

Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the new run.", show_default=False)]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Tag of the new run; may be repeated.")]
FitOn = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="valid|test", help="Split to fit to; else valid, or test.",
        autocompletion=words("valid", "test"), show_default=False,
    ),
]  # fmt: skip
FitFolds = Annotated[int, typer.Option("--folds", metavar="K", help="Folds of the cross-fit.")]
FitSeed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed that deals images to folds.")]


def ensemble_runs(
    references: References,
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,…", help="Weight of each run, in their order.", show_default=False)
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Fit the weights to ages, by squared error.")] = False,
    on: FitOn = None,
    folds: FitFolds = 5,
    seed: FitSeed = 0,
    name: Name = None,
    tags: Tags = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Average the predictions of trained runs, as a run of its own.

    The new run has scores on all splits that its members share, and is compared, reported and exported like any run.
    ageui predict --run computes each member and needs their weights. Scores stay marked as selected where a member's
    are. Fitted weights are cross-fitted: each image is scored with weights fitted to the other folds, and intervals
    include the fit.

        ageui ensemble first second third
        ageui ensemble 'tag=best seed=0' --fit --name blend
        ageui ensemble first second --weights 2,1
    """
    from ageui.derive.deriving import Fitting, make_ensemble

    with open_store(db) as store:
        run_ids = store.runs.find_all(references)
        made = make_ensemble(
            store, run_ids, weights=_numbers(weights), is_fitted=fit, fitting=Fitting(on, folds, seed), name=name,
            tags=tags or (),
        )  # fmt: skip
        show_derived(store, [made], as_json)


def calibrate_runs(
    references: References,
    isotonic: Annotated[bool, typer.Option("--isotonic", help="Fit any rising function instead of a slope.")] = False,
    slope: Annotated[
        float | None, typer.Option(metavar="S", help="Stretch S times, without a fit.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="ATTRIBUTE", help="Refused: a group of each face would be needed.", hidden=True),
    ] = None,
    on: FitOn = None,
    folds: FitFolds = 5,
    seed: FitSeed = 0,
    name: Name = None,
    tags: Tags = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Correct predictions that regress to the mean, as a run of its own for each RUN, which may be an ensemble.

    Predictions are stretched about the mean age of the train images until they spread as ages do, which costs some MAE
    and lowers the age bias. --isotonic fits the rising function closest to the ages instead. Scores are cross-fitted:
    each image is predicted with a fit to the other folds, in which subjects and known duplicates stay together. The
    folds are the same for all runs on the same images. Fitted weights of an ensemble are fitted again in each fold.
    Intervals include the fit. ageui predict uses the fit to all images.

        ageui calibrate first
        ageui calibrate 'tag=best' --isotonic
        ageui calibrate first --slope 1.1
    """
    from ageui.derive.deriving import PER_GROUP, Fitting, calibrate
    from engine.errors import ConfigError

    if by is not None:
        raise ConfigError(PER_GROUP)
    with open_store(db) as store:
        run_ids = store.runs.find_all(references)
        if name is not None and len(run_ids) > 1:
            raise ConfigError(f"{len(run_ids)} runs cannot share a --name; leave it out, or calibrate one run")
        fitting = Fitting(on, folds, seed)
        made = calibrate(store, run_ids, isotonic=isotonic, slope=slope, fitting=fitting, name=name, tags=tags or ())
        show_derived(store, made, as_json)


def _numbers(text: str | None) -> list[float] | None:
    from engine.errors import ConfigError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"weights {text!r}: give numbers, separated by commas") from None


def show_derived(store: "Store", run_ids: list[int], as_json: bool) -> None:
    """Prints the new runs: their scores, or a table of several."""
    from ageui.cli.run_page import print_run

    if as_json:
        details = [store.runs.detail(run_id).to_json() for run_id in run_ids]
        print_json(details[0] if len(details) == 1 else details)
    elif len(run_ids) == 1:
        detail = store.runs.detail(run_ids[0])
        print_run(detail, detail.command)
    else:
        listed = ", ".join(map(str, run_ids))
        messages().print(f"runs {listed} are made; see ageui ls source=derived", soft_wrap=True)
