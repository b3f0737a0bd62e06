"""Makes ensembles and calibrated runs from the stored predictions of their sources."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ageui.derive.derived_config import derived_config, derived_hash, derived_manifest, in_order
from ageui.store.derivations import DerivedSplit, NewDerivedRun
from ageui.text.duplicates import ENDING
from engine.choices import AGE_EDGES
from engine.counted import counted
from engine.cross_fit import (
    CrossRefit,
    FittedSplit,
    Method,
    OtherRefit,
    cross_fitted,
    fitted_to_all,
    fold_codes,
    same_values,
)
from engine.derived_methods import Chain, Operation, fitted_method
from engine.errors import ConfigError, DataError
from engine.events import Evaluated
from engine.fairness import score_errors
from engine.image_errors import image_errors
from engine.resampling import Codes

if TYPE_CHECKING:
    from ageui.store import RunDetail, Store
    from ageui.store.score_records import Predictions, SplitScores

LEAST_FOLDS, MOST_FOLDS = 2, 50
PER_GROUP = (
    "--by: ageui does not calibrate per group, because a prediction would then need the group of a face, which ageui "
    "neither asks for nor guesses, and would treat people by their group; calibrate all faces alike, and compare the "
    "biases with ageui compare"
)
_FITTING = ("valid", "test")


@dataclass(frozen=True)
class Fitting:
    """Options of a fit: the split `on` (default: valid, else test), and the number and seed of its folds."""

    on: str | None = None
    folds: int = 5
    seed: int = 0


DEFAULT = Fitting()


@dataclass(frozen=True, eq=False)
class _Split:
    """A split that all sources were scored on.

    `scores` and `labelled` are those of the first source. `sources` are the predictions of all sources, or of a blend's
    members (S, N). `selected_on` is the split that chose the weights of a source.
    """

    scores: "SplitScores"
    labelled: "Predictions"
    sources: NDArray[np.float32]
    selected_on: str | None


@dataclass(frozen=True)
class _Wanted:
    operation: Operation
    options: Mapping[str, Any]
    title: str
    fitting: Fitting = DEFAULT


def make_ensemble(
    store: "Store",
    run_ids: Sequence[int],
    *,
    weights: Sequence[float] | None = None,
    is_fitted: bool = False,
    fitting: Fitting = DEFAULT,
    name: str | None = None,
    tags: Sequence[str] = (),
) -> int:
    """Stores the mean of the predictions of runs as a new run, and returns its id.

    Parameters
    ----------
    store
        The database of the runs.
    run_ids
        The members, two or more.
    weights
        The weight of each member, in the same order (default: equal weights).
    is_fitted
        Whether to fit the weights instead, according to `fitting`.
    name, tags
        Name and tags of the new run.

    Raises
    ------
    ConfigError
        If the members cannot be averaged, or weights are negative or do not match the members.
    DataError
        If predictions are missing or not finite.
    """
    members = [store.runs.detail(run_id) for run_id in run_ids]
    if len(members) < 2:
        raise ConfigError(
            f"an ensemble needs two or more runs, but {len(members)} matches; name more runs, or give a filter that "
            "matches several"
        )
    for run in members:
        if run.derived_from is not None and run.derived_from.operation != "folds":
            raise ConfigError(
                f"run {run.id} ({run.name}) is a derived run, which cannot be a member; name its source runs, and "
                "calibrate the ensemble instead of its members"
            )
    ordered = in_order(members)
    if is_fitted:
        if weights is not None:
            raise ConfigError("--weights gives the weights and --fit fits them; leave one out")
        wanted = _Wanted("blend", {}, f"blend of {len(ordered)}", fitting)
    else:
        shares = _shares(weights, len(members))
        by_run = {run.id: share for run, share in zip(members, shares, strict=True)}
        what = "mean" if weights is None else "weighted mean"
        options = {"weights": [by_run[run.id] for run in ordered]}
        wanted = _Wanted("mean", options, f"{what} of {len(ordered)}")
    (made,) = store.derivations.add([_derived(store, ordered, wanted, name, tags)])
    return made


def calibrate(
    store: "Store",
    run_ids: Sequence[int],
    *,
    isotonic: bool = False,
    slope: float | None = None,
    fitting: Fitting = DEFAULT,
    name: str | None = None,
    tags: Sequence[str] = (),
) -> list[int]:
    """Stores a calibrated run for each of the given runs, all or none, and returns their ids.

    Parameters
    ----------
    store
        The database of the runs.
    run_ids
        Trained runs and ensembles.
    isotonic
        Whether to fit an increasing function instead of a slope about the train mean.
    slope
        A slope to use instead of a fit.
    fitting
        Options of the fit.
    name, tags
        Name and tags of the new runs; several runs cannot share a name.

    Raises
    ------
    ConfigError
        If a run cannot be calibrated.
    DataError
        If predictions are missing or not finite.
    """
    if isotonic and slope is not None:
        raise ConfigError("--isotonic and --slope exclude each other; leave one out")
    if slope is not None and not (math.isfinite(slope) and slope > 0):
        raise ConfigError(f"--slope {slope}: give a number above 0, such as 1.1")
    runs = [store.runs.detail(run_id) for run_id in run_ids]
    wanted = [_calibration(run, isotonic, slope, fitting) for run in runs]
    return store.derivations.add(
        [_derived(store, [run], one, name, tags) for run, one in zip(runs, wanted, strict=True)]
    )


def _calibration(run: "RunDetail", isotonic: bool, slope: float | None, fitting: Fitting) -> _Wanted:
    """The calibration of a run. Raises `ConfigError` if the run cannot be calibrated."""
    made, of = run.derived_from, ""
    options: dict[str, Any] = {}
    if made is not None:
        if made.operation in ("slope", "isotonic"):
            raise ConfigError(
                f"run {run.id} ({run.name}) is already calibrated, and a second fit would use the same ages again; "
                f"calibrate its source instead: {made.source_names}"
            )
        of = f", {run.config['derived']}"
        if made.fitted_on is not None:
            if fitting.on not in (None, made.fitted_on):
                raise ConfigError(
                    f"--on {fitting.on}: the weights of run {run.id} ({run.name}) were fitted on {made.fitted_on}, so "
                    f"its calibration must use {made.fitted_on}, too; leave --on out, or make the ensemble with --on "
                    f"{fitting.on}"
                )
            fitting = replace(fitting, on=made.fitted_on)
            options["blended"] = len(made.sources)
    if isotonic:
        return _Wanted("isotonic", options, f"isotonic{of}", fitting)
    centre = next((one.result.baseline.age for one in run.results if one.result.baseline), None)
    if centre is None:
        raise ConfigError(
            f"run {run.id} ({run.name}) has no stored mean age of its train images, which a slope needs; use --isotonic"
        )
    options["centre"] = centre
    if slope is not None:
        options["slope"] = slope
    title = "calibrated" if slope is None else f"stretched {slope:g} times"
    return _Wanted("slope", options, f"{title}{of}", fitting)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    """Weights that sum to 1."""
    if weights is None:
        return [1 / count] * count
    if len(weights) != count:
        raise ConfigError(
            f"--weights: {counted(len(weights), 'weight')} for {count} runs; give one per run, in the same order"
        )
    if not all(math.isfinite(one) and one >= 0 for one in weights) or sum(weights) <= 0:
        listed = ",".join(f"{one:g}" for one in weights)
        raise ConfigError(f"--weights {listed}: give finite weights of 0 or more, with at least one above 0")
    return [one / sum(weights) for one in weights]


def _derived(
    store: "Store", sources: "Sequence[RunDetail]", wanted: _Wanted, name: str | None, tags: Sequence[str]
) -> NewDerivedRun:
    _refuse_unlike(sources)
    splits = _common_splits(store, sources)
    method = fitted_method(wanted.operation, wanted.options)
    options, fitted_on, folds = dict(wanted.options), None, None
    if method.is_fitted:
        fitted_on = _fitting_split(splits, wanted.fitting)
        options |= {"on": fitted_on, "folds": wanted.fitting.folds, "seed": wanted.fitting.seed}
        labelled = splits[fitted_on].labelled
        folds = _folds(store, sources[0], labelled, wanted.fitting)
        parameters = fitted_to_all(method, splits[fitted_on].sources.astype(np.float64), labelled.ages)
    else:
        parameters = fitted_to_all(method, np.empty((len(sources), 0)), np.empty(0))
    edges = sources[0].config.get("age_edges", AGE_EDGES)
    fitted = None
    if fitted_on is not None and folds is not None:
        fitted = FittedSplit(splits[fitted_on].sources.astype(np.float64), splits[fitted_on].labelled.ages, folds)
    scored = [
        _scored(one, method, parameters, fitted, is_fitted_on=split == fitted_on, age_edges=edges)
        for split, one in splits.items()
    ]
    return NewDerivedRun(
        operation=wanted.operation,
        options=options,
        # Those of a blend are stored with the blend.
        parameters=(parameters[1] if isinstance(method, Chain) else parameters).tolist(),
        sources=sources,
        config=derived_config(sources, wanted.title),
        config_hash=derived_hash(sources, wanted.operation, options),
        manifest=derived_manifest(sources, wanted.operation, options),
        splits=scored,
        fitted_on=fitted_on,
        folds=folds,
        name=name,
        tags=tags,
    )


def _refuse_unlike(sources: "Sequence[RunDetail]") -> None:
    """Raises `ConfigError` for sources that were trained on different data or scored by different age groups."""
    first = sources[0]
    for run in sources[1:]:
        if run.data_hash != first.data_hash:
            raise ConfigError(
                f"run {run.id} ({run.name}) and run {first.id} ({first.name}) were trained on different data, so one "
                "may have trained on images that the other is scored on; choose runs on the same data"
            )
        if run.config.get("age_edges") != first.config.get("age_edges"):
            raise ConfigError(
                f"run {run.id} ({run.name}) and run {first.id} ({first.name}) have different age groups; choose runs "
                "with the same age_edges"
            )


def _common_splits(store: "Store", sources: "Sequence[RunDetail]") -> dict[str, _Split]:
    """The splits on which all sources have predictions of the same images, by name."""
    found: dict[str, _Split] = {}
    for scores in sources[0].results:
        split = scores.split
        own = [run.scores(split) for run in sources]
        if split.endswith(ENDING) or any(one is None or one.images != scores.images for one in own):
            continue
        predictions = [store.scores.predictions(run.id, split) for run in sources]
        there = [one for one in predictions if one is not None]
        if len(there) == len(sources):
            chosen = next((split for one in own if one is not None and one.is_selected), scores.selected_on)
            found[split] = _Split(scores, there[0], np.concatenate([_fitted_from(one) for one in there]), chosen)
    if not found:
        names = ", ".join(run.name for run in sources)
        raise DataError(
            f"{names} have no split with stored predictions for the same images: they are not scored yet, or their "
            "predictions were deleted"
        )
    return found


def _fitted_from(predictions: "Predictions") -> NDArray[np.float32]:
    """The input of a fit: the predictions of a blend's members (S, N), or of any other run (1, N)."""
    refit = predictions.refit
    if isinstance(refit, CrossRefit | OtherRefit):
        return refit.sources.astype(np.float32)
    return predictions.predicted[None]


def _fitting_split(splits: Mapping[str, _Split], fitting: Fitting) -> str:
    if not LEAST_FOLDS <= fitting.folds <= MOST_FOLDS:
        raise ConfigError(f"--folds {fitting.folds}: give {LEAST_FOLDS} to {MOST_FOLDS}")
    if fitting.on == "train":
        raise ConfigError("--on train: errors are smaller on train images than on new images; choose valid or test")
    there = [split for split in _FITTING if split in splits]
    if not there or (fitting.on is not None and fitting.on not in there):
        known = f"choose from {', '.join(there)}" if there else "score the runs on validation or test images first"
        raise ConfigError(f"the runs share no predictions on {fitting.on or 'valid or test'} to fit on; {known}")
    chosen = fitting.on or there[0]
    count = len(splits[chosen].labelled.ages)
    if count < fitting.folds:
        raise ConfigError(f"--folds {fitting.folds}: {chosen} has only {count} images; give fewer folds")
    if not np.isfinite(splits[chosen].sources).all():
        raise DataError(f"a prediction on {chosen} is not finite, so nothing can be fitted; choose other runs")
    return chosen


def _folds(store: "Store", run: "RunDetail", labelled: "Predictions", fitting: Fitting) -> Codes:
    """The folds of images; subjects and known duplicates stay together."""
    links = [*same_values(labelled.subjects), *store.derivations.links(run.data_hash, labelled.names)]
    folds = fold_codes(labelled.names, links, fitting.folds, fitting.seed)
    if len(np.unique(folds)) < 2:
        raise ConfigError(
            f"the images of {labelled.split} cannot be divided into folds, because all are duplicates or show one "
            "subject; use --slope S or --weights, which need no fit"
        )
    return folds


def _scored(
    split: _Split,
    method: Method,
    parameters: Any,
    fitted: FittedSplit | None,
    *,
    is_fitted_on: bool,
    age_edges: Sequence[float],
) -> DerivedSplit:
    """Predictions and scores of one split, cross-fitted if parameters are fitted on it."""
    sources = split.sources.astype(np.float64)
    refit: CrossRefit | OtherRefit | None = None
    if fitted is None:
        (predicted,) = method.apply([parameters], sources)
    elif is_fitted_on:
        (predicted,) = cross_fitted(method, sources, fitted.ages, fitted.folds)
        refit = CrossRefit(method, fitted)
    else:
        (predicted,) = method.apply([parameters], sources)
        refit = OtherRefit(method, fitted, sources)
    labelled = replace(split.labelled, predicted=predicted.astype(np.float32), refit=refit)
    result = split.scores.result
    errors = image_errors(labelled, result.group_names, age_edges)
    found = score_errors(errors, result.baseline, split=split.scores.split)
    scored = Evaluated(split.scores.split, found, labelled.items(), labelled.predicted, split.selected_on)
    copies = split.sources if fitted is not None else None
    return DerivedSplit(scored, split.scores.target, split.scores.data_name, copies)
