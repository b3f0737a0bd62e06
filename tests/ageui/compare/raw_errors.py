"""Paired differences of errors that are given as arrays."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from ageui.compare.paired import PairedDifference, paired_differences
from engine.figure_forms import figure_form
from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats


def errors_of(errors: Floats, codes: Codes | None = None, groups: int = 0) -> list[ImageErrors]:
    """Absolute errors (N,) or (S, N) of S trainings, in groups of an attribute `x`."""
    coded = {} if codes is None else {"x": (codes, tuple(map(str, range(groups))))}
    return [ImageErrors.of_predictions(np.zeros(len(own)), own, coded) for own in np.atleast_2d(errors)]


def mae_differences(sides: Sequence[Floats], baseline: Floats, **options: int) -> list[PairedDifference]:
    """The MAE of each side minus that of the baseline."""
    form = partial(figure_form, "mae")
    return paired_differences([errors_of(side) for side in sides], errors_of(baseline), form, **options)


def bias_differences(
    sides: Sequence[Floats], baseline: Floats, codes: Codes, groups: int, **options: int
) -> list[PairedDifference]:
    """The bias of each side minus that of the baseline."""
    every = [errors_of(side, codes, groups) for side in (*sides, baseline)]
    return paired_differences(every[:-1], every[-1], partial(figure_form, "x"), **options)


def bias_of(errors: Floats, codes: Codes, groups: int) -> float:
    """The bias of errors (N,)."""
    (images,) = errors_of(errors, codes, groups)
    form = figure_form("x", images)
    assert form is not None
    return form.value(images)
