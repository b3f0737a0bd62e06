"""Scores by crossed groups of several attributes, such as women over sixty. They are not stored."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.choices import AGE_EDGES
from engine.errors import ConfigError
from engine.fairness import RESAMPLES, score_errors
from engine.image_errors import ImageErrors, image_errors

if TYPE_CHECKING:
    from ageui.store.records import RunDetail
    from ageui.store.score_records import Predictions, SplitScores

    LoadPredictions = Callable[[int, str], Predictions | None]

CROSS = "*"


def errors_of(run: "RunDetail", scores: "SplitScores", load: "LoadPredictions") -> ImageErrors | None:
    """The errors behind scores of a run, with all groups that the scores have; None without predictions."""
    predictions = load(run.id, scores.split)
    if predictions is None:
        return None
    groups = scores.result.group_names
    plain = {name: names for name, names in groups.items() if CROSS not in name}
    images = image_errors(predictions, plain, run.config.get("age_edges", AGE_EDGES))
    return _crossed(images, [name for name in groups if CROSS in name])


def with_crossed(
    run: "RunDetail", split: str, crossed: Sequence[str], load: "LoadPredictions", resamples: int = RESAMPLES
) -> "RunDetail":
    """The run, scored on a split by further groups too.

    Parameters
    ----------
    run
        The run; without predictions on the split it stays as it is.
    split
        The split.
    crossed
        Attributes joined by `*`, such as `gender*ethnicity`.
    load
        Returns the predictions of a run, given by its id, on a split, or None.
    resamples
        Number of bootstrap samples; 0 computes no intervals.

    Raises
    ------
    ConfigError
        For an attribute that the run was not scored by.
    """
    found = []
    for scores in run.results:
        errors = errors_of(run, scores, load) if scores.split == split else None
        if errors is not None:
            images = _crossed(errors, crossed)
            own = replace(images, groups={name: images.groups[name] for name in crossed})
            biases = score_errors(own, split=split, resamples=resamples).biases
            scores = replace(scores, result=replace(scores.result, biases=(*scores.result.biases, *biases)))
        found.append(scores)
    return replace(run, results=tuple(found))


def _crossed(images: ImageErrors, crossed: Sequence[str]) -> ImageErrors:
    groups = dict(images.groups)
    for name in crossed:
        attributes = name.split(CROSS)
        for attribute in attributes:
            if attribute not in images.groups:
                known = ", ".join(name for name in images.groups if CROSS not in name)
                raise ConfigError(f"unknown attribute {attribute!r}; choose one of {known}")
        if len(attributes) < 2 or len(set(attributes)) < len(attributes):
            raise ConfigError(f"{name!r} crosses no groups; name two or more attributes, as in gender{CROSS}age")
        groups[name] = images.crossed(attributes)
    return replace(images, groups=groups)
