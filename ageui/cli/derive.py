"""`ageui ensemble` and `ageui calibrate`: runs made from the predictions of other runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import words
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.cli.queue import References
from ageui.console.consoles import messages

if TYPE_CHECKING:
    from ageui.store import Store

Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the new run.", show_default=False)]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Tag of the new run; repeatable.")]
FitOn = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="valid|test", help="Split to fit on (default: valid, else test).",
        autocompletion=words("valid", "test"), show_default=False,
    ),
]  # fmt: skip
FitFolds = Annotated[int, typer.Option("--folds", metavar="K", help="Number of cross-fitting folds.")]
FitSeed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed that assigns images to folds.")]


def ensemble_runs(
    references: References,
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,…", help="Weights of the runs, in order.", show_default=False)
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Fit the weights by least squared error.")] = False,
    on: FitOn = None,
    folds: FitFolds = 5,
    seed: FitSeed = 0,
    name: Name = None,
    tags: Tags = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Average the predictions of runs in a new run.

    The new run has scores on all splits that its members share. You can compare, report and export it like any run;
    ageui predict needs the weights of all members. Scores are marked as selected if a member's scores are. --fit
    cross-fits: each image is scored with weights fitted on the other folds, and intervals include the fit.

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
    isotonic: Annotated[
        bool, typer.Option("--isotonic", help="Fit an increasing function instead of a slope.")
    ] = False,
    slope: Annotated[
        float | None, typer.Option(metavar="S", help="Stretch by S instead of fitting.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="ATTRIBUTE", help="Refused: it would need each face's group.", hidden=True),
    ] = None,
    on: FitOn = None,
    folds: FitFolds = 5,
    seed: FitSeed = 0,
    name: Name = None,
    tags: Tags = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Correct regression to the mean in a new run for each RUN.

    Calibration stretches predictions about the mean train age until they spread like the ages. It lowers the age bias
    and costs some MAE. --isotonic fits the increasing function closest to the ages instead. Scores are cross-fitted:
    each image is predicted with a fit on the other folds, and intervals include the fit. Subjects and known duplicates
    stay in one fold, and all runs on the same images share their folds. Fitted ensemble weights are fitted again per
    fold. ageui predict uses the fit on all images.

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
            raise ConfigError(f"--name {name}: {len(run_ids)} runs cannot share a name; leave it out, or name one run")
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
        raise ConfigError(f"--weights {text}: give numbers separated by commas") from None


def show_derived(store: "Store", run_ids: list[int], as_json: bool) -> None:
    """Prints the scores of one new run, or the ids of several."""
    from ageui.cli.run_page import print_run

    if as_json:
        details = [store.runs.detail(run_id).to_json() for run_id in run_ids]
        print_json(details[0] if len(details) == 1 else details)
    elif len(run_ids) == 1:
        detail = store.runs.detail(run_ids[0])
        print_run(detail, detail.command)
    else:
        listed = ", ".join(map(str, run_ids))
        messages().print(f"runs {listed} added; list them with: ageui ls source=derived", soft_wrap=True)
