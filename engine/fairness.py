"""Scores predictions: MAE, and the bias of every attribute with its uncertainty. NumPy only.

With err_i = |predicted_i - age_i| in years and MAE_g the mean of err over group g,

    bias(attribute) = mean over all unordered pairs (a, b) of groups of |MAE_a - MAE_b|

unweighted by group size, as defined in the course report that this project implements. It compares the size of errors.
The signed gap is the same for mean signed errors: it compares their direction.

Intervals cover 95%. Their methods were chosen by simulation: `tests/benchmarks/interval_coverage.py`.

- MAE and MAE of a group: bootstrap-t (Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 12.5),
  because errors are skewed and groups small.
- Figures of differences between groups consist of absolute values, which noise can only raise. The high end of their
  interval is the percentile of a bootstrap inside each group, which counts noise twice and so errs on the wide side.
  The low end is the smallest true figure, with all differences between groups shrunk alike, that neither of two tests
  rejects. One is a permutation test (`engine.gap_test`), so that the low end is that of no difference exactly if
  p > 0.05. It weights groups by the certainty of their means, which figures do not. The other asks whether the true
  figure would reach the measured one in one of forty bootstrap samples. It is the only test for the standardised bias
  and for groups that are too small for the first.
- Largest MAE of a group: from the low end of the worst group, with the level divided by the number of groups, to the
  highest high end of all groups.
- Others: percentiles of the bootstrap.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from engine.figure_forms import (
    ATTRIBUTE_KINDS,
    EVERYONE,
    OVERALL_FIGURES,
    FigureForm,
    Key,
    Quantity,
    absolute,
    attribute_form,
    groups_form,
    mean_pairwise_gap,
    overall_form,
    ratio_of,
    signed,
)
from engine.figure_samples import FigureSamples, figure_samples, standard_error
from engine.gap_test import GapTest, gap_test
from engine.image_errors import ImageErrors
from engine.resampling import Codes, Floats, group_means
from engine.split_result import MAE, Baseline, BiasResult, Figure, GapFigure, GroupResult, Interval, SplitResult

RESAMPLES = 2000
STATISTICS = 2
"""The revision of these statistics. Stored results of earlier revisions are recomputed from their predictions."""
CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_FAR = 1e9
"""The t of a sample without spread, such as one image drawn several times: larger than all others."""
_HALVINGS = 10
_LEAST_SHARE = 2.0**-_HALVINGS
"""The smallest distance of an interval's low end from no difference, if the test rejects no difference."""

Forms = Mapping[tuple[str, str], FigureForm]
"""The forms of all figures of a split, by attribute and kind; the attribute is "" for figures of all images."""
Tests = Mapping[tuple[str, Quantity], GapTest | str]
"""For absolute and signed errors, the test of each attribute, or the reason why it cannot be tested."""


def evaluate_split(
    ages: Floats,
    predicted: Floats,
    groups: Mapping[str, tuple[Codes, Sequence[str]]],
    constant_age: float | None,
    *,
    subjects: Codes | None = None,
    split: str = "this split",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SplitResult:
    """Scores predictions against ages: MAE, the bias of every attribute, and further figures.

    The same input gives the same figures. Further attributes change them by rounding errors only.

    Parameters
    ----------
    ages, predicted
        True and predicted ages in years, shape (N,).
    groups
        For each attribute, the codes (N,) and the group names, as `engine.groups.group_codes` returns them.
    constant_age
        Mean age of the train images in years, for the baseline; None omits the baseline.
    subjects
        Codes (N,) from 0 of the persons in the images, whose images are drawn and shuffled together; None if every
        image shows another person.
    split
        Name of the split, for the reasons why biases are undefined.
    resamples
        Number of bootstrap samples and shuffles. With 0, or with non-finite errors, intervals and tests are omitted.
    seed
        Seed of the samples.

    Returns
    -------
    SplitResult
        All errors in years.

    Examples
    --------
    Both men are estimated 1 year too old, and both women 4 years too young:

    >>> ages = np.array([20.0, 30.0, 40.0, 50.0])
    >>> gender = (np.array([0, 0, 1, 1]), ("male", "female"))
    >>> result = evaluate_split(ages, ages + [1, 1, -4, -4], {"gender": gender}, 35.0, resamples=0)
    >>> result.mae, result.signed, result.bias("gender").value, result.baseline.mae
    (2.5, -1.5, 3.0, 10.0)
    >>> result.bias("gender").signed_gap.value, result.figure("cs5").value
    (5.0, 100.0)
    """
    images = ImageErrors.of_predictions(ages, predicted, groups, subjects)
    baseline = None
    if constant_age is not None:
        constant = np.abs(constant_age - ages)
        biases = {name: bias_value(constant, codes, names, split)[0] for name, (codes, names) in groups.items()}
        baseline = Baseline(constant_age, float(constant.mean()), biases)
    return score_errors(images, baseline, split=split, resamples=resamples, seed=seed)


def score_errors(
    images: ImageErrors,
    baseline: Baseline | None = None,
    *,
    split: str = "this split",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SplitResult:
    """Like `evaluate_split`, from the errors of images, which may be means over several trainings."""
    forms = dict(_forms(images))
    everyone = np.zeros(len(images.ages), dtype=np.int64)
    samples = None
    if resamples and images.are_finite and images.units(everyone, 1)[0] > 1:
        all_groups = [groups_form(name, images) for name, (codes, _) in images.groups.items() if (codes >= 0).any()]
        studentised = {EVERYONE, *(form.key for form in all_groups)}
        samples = figure_samples(images, [*forms.values(), *all_groups], studentised, resamples, seed)
    tests: dict[tuple[str, Quantity], GapTest | str] = {
        (attribute, values): _gap_test(attribute, values, images, resamples, seed)
        for attribute in images.groups
        for values in (absolute, signed)
        if resamples and (attribute, "") in forms
    }
    biases = tuple(_bias_result(attribute, images, forms, samples, tests, split) for attribute in images.groups)
    return SplitResult(
        n=len(images.ages),
        mae=float(images.absolute.mean()),
        mae_interval=mean_interval(images, everyone, 0, samples, EVERYONE) if samples else None,
        signed=float(images.signed.mean()),
        biases=biases,
        baseline=baseline,
        others=dict(_others(images, forms, samples, tests)),
    )


def bias_value(
    errors: Floats, codes: Codes, names: Sequence[str], split: str = "this split"
) -> tuple[float | None, str | None]:
    """The bias of one attribute, if it is defined.

    Parameters
    ----------
    errors
        Absolute errors in years, shape (N,).
    codes
        Group of each image, shape (N,); negative for an image in no group.
    names
        Names of the groups.
    split
        Name of the split, for the reason.

    Returns
    -------
    value, reason
        The bias in years and None, or None and the reason: fewer than two groups, or an empty group.

    Examples
    --------
    >>> bias_value(np.array([1.0, 3.0, 4.0]), np.array([0, 0, 1]), ("male", "female"))
    (2.0, None)
    >>> bias_value(np.array([1.0, 3.0, 4.0]), np.array([0, 0, 0]), ("male", "female"))
    (None, 'no image of female in this split')
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    present = [name for name, count in zip(names, counts, strict=True) if count]
    if len(present) == 0:
        return None, f"no image of {split} has a value"
    if len(names) < 2:
        return None, f"only one group: {names[0]}"
    if len(present) < len(names):
        empty = [name for name, count in zip(names, counts, strict=True) if not count]
        return None, f"no image of {', '.join(empty)} in {split}"
    return float(mean_pairwise_gap(group_means(errors, codes, len(names)))), None


def mean_interval(
    images: ImageErrors, codes: Codes, group: int, samples: FigureSamples, key: Key, low_tail: float = _TAIL
) -> Interval | None:
    """The bootstrap-t interval of the mean absolute error of a group, within its smallest and its largest error.

    The bound matters only for groups of a few images.

    Parameters
    ----------
    images
        Errors.
    codes, group
        Group of each image, shape (N,), and the group of the interval.
    samples, key
        Bootstrap samples, and the key of this grouping in them.
    low_tail
        The chance that the truth lies below the interval.

    Returns
    -------
    Interval or None
        None for fewer than two images, or subjects.
    """
    chosen = np.flatnonzero(codes == group)
    if images.units(np.where(codes == group, 0, -1), 1)[0] < 2:
        return None
    errors = images.absolute[chosen]
    mean, error = errors.mean(), standard_error(images, chosen)
    off, errors_of_samples = samples.means[key, absolute][:, group] - mean, samples.standard_errors[key][:, group]
    t = np.divide(off, errors_of_samples, out=np.sign(off) * _FAR, where=errors_of_samples > 0)
    below, above = np.quantile(t, [_TAIL, 1 - low_tail])
    low, high = np.clip([mean - above * error, mean - below * error], errors.min(), errors.max())
    return Interval(float(low), float(high))


def _forms(images: ImageErrors) -> Iterator[tuple[tuple[str, str], FigureForm]]:
    for name in (MAE, *OVERALL_FIGURES):
        if (form := overall_form(name, images)) is not None:
            yield ("", name), form
    for attribute in images.groups:
        for kind in ("", *ATTRIBUTE_KINDS):
            if (form := attribute_form(attribute, kind, images)) is not None:
                yield (attribute, kind), form


def _bias_result(
    attribute: str,
    images: ImageErrors,
    forms: Forms,
    samples: FigureSamples | None,
    tests: Tests,
    split: str,
) -> BiasResult:
    codes, names = images.groups[attribute]
    value, reason = bias_value(images.absolute, codes, names, split)
    groups = tuple(_group_results(attribute, images, samples))
    missing = int((codes < 0).sum())
    if (attribute, "") not in forms:
        gap = GapFigure(None, reason)
        return BiasResult(value, reason, attribute=attribute, groups=groups, missing=missing, signed_gap=gap)
    test = tests.get((attribute, absolute))
    bias = _gap_figure(forms[attribute, ""], images, samples, test)
    return BiasResult(
        **vars(bias),
        attribute=attribute,
        groups=groups,
        missing=missing,
        signed_gap=_gap_figure(forms[attribute, "signed"], images, samples, tests.get((attribute, signed))),
        gap_interval=_gap_interval(forms[attribute, "gap"], images, samples, test) if samples else None,
        worst_interval=_worst_interval(attribute, images, groups, samples),
    )


def _gap_test(attribute: str, values: Quantity, images: ImageErrors, resamples: int, seed: int) -> GapTest | str:
    if not images.are_finite:
        return "an error is not finite"
    own, groups = values(images), images.groups[attribute]
    return gap_test(own, *groups, subjects=images.subjects, resamples=resamples, seed=seed)


def _group_results(attribute: str, images: ImageErrors, samples: FigureSamples | None) -> Iterator[GroupResult]:
    codes, names = images.groups[attribute]
    for group, name in enumerate(names):
        chosen = np.flatnonzero(codes == group)
        if not len(chosen):
            yield GroupResult(name, 0, None, None)
            continue
        interval = mean_interval(images, codes, group, samples, (attribute,)) if samples else None
        mae, bias = float(images.absolute[chosen].mean()), float(images.signed[chosen].mean())
        yield GroupResult(name, len(chosen), mae, bias, interval)


def _gap_figure(
    form: FigureForm, images: ImageErrors, samples: FigureSamples | None, test: GapTest | str | None
) -> GapFigure:
    """A figure of the differences between groups, with a test of whether they differ."""
    interval = _gap_interval(form, images, samples, test) if samples else None
    if isinstance(test, GapTest):
        return GapFigure(form.value(images), None, interval, None, test.p_value(), test.detectable)
    return GapFigure(form.value(images), interval=interval, untested=test)


def _gap_interval(
    form: FigureForm, images: ImageErrors, samples: FigureSamples, test: GapTest | str | None = None
) -> Interval | None:
    """The interval of a figure that noise can only raise; None if a group has a single image or subject."""
    codes, groups = form.grouping
    (quantity,) = form.quantities
    units = images.units(codes, groups)
    if units.min() < 2:
        return None
    means, drawn = group_means(quantity(images), codes, groups), samples.means[form.key, quantity]
    # The scatter of means of n drawn images is too small by a factor of sqrt((n - 1) / n).
    wider = np.sqrt(units / (units - 1))
    # A ratio needs means above 0.
    off = (
        means * (drawn / np.where(means > 0, means, 1)) ** wider - means
        if form.of_means is ratio_of
        else (drawn - means) * wider
    )
    value = float(form.of_means(means))
    high = max(value, float(np.quantile(form.of_means(means + off), 1 - _TAIL)))
    most = test.smallest_share if isinstance(test, GapTest) else 1.0
    share = _smallest_share(form.of_means, means, off, most)
    if isinstance(test, GapTest) and most > 0:
        share = max(share, _LEAST_SHARE)
    return Interval(float(form.of_means(_shrunk(means, share))), high)


def _smallest_share(figure: Callable[[Floats], Floats], means: Floats, off: Floats, most: float) -> float:
    """The smallest share of the differences between group means (G,) at which one in forty samples reaches the figure.

    At most `most`. `off` (R, G) are the deviations of samples.
    """
    value = figure(means)

    def reaches(share: float) -> bool:
        return bool((figure(_shrunk(means, share) + off) >= value).mean() >= _TAIL)

    if reaches(0.0):
        return 0.0
    if not reaches(most):
        return most
    too_low, enough = 0.0, most
    for _ in range(_HALVINGS):
        middle = (too_low + enough) / 2
        too_low, enough = (too_low, middle) if reaches(middle) else (middle, enough)
    return too_low


def _shrunk(means: Floats, share: float) -> Floats:
    """Group means (G,) with their differences shrunk to a share."""
    return np.asarray(means.mean() + share * (means - means.mean()))


def _worst_interval(
    attribute: str, images: ImageErrors, groups: Sequence[GroupResult], samples: FigureSamples | None
) -> Interval | None:
    """The interval of the largest true group MAE, of whichever group; None unless all groups have intervals.

    The high end is the highest of all groups. The low end is that of the worst group, with the level divided by the
    number of groups from which the worst is selected.
    """
    ends = [group.interval.high for group in groups if group.interval]
    if samples is None or len(ends) < len(groups):
        return None
    codes, _ = images.groups[attribute]
    worst = max(range(len(groups)), key=lambda place: groups[place].mae or 0.0)
    found = mean_interval(images, codes, worst, samples, (attribute,), _TAIL / len(groups))
    return found and Interval(found.low, max(ends))


def _others(
    images: ImageErrors, forms: Forms, samples: FigureSamples | None, tests: Tests
) -> Iterator[tuple[str, Figure]]:
    """Further figures of all images and of each attribute, by name. An attribute's own name still means its bias."""
    for (attribute, kind), form in forms.items():
        name = f"{attribute}_{kind}"
        if kind in OVERALL_FIGURES and not attribute:
            ends = np.quantile(samples.of(form), [_TAIL, 1 - _TAIL]).tolist() if samples else None
            yield kind, Figure(form.value(images), interval=Interval(*ends) if ends else None)
        elif kind == "ratio" and name not in images.groups:
            interval = _gap_interval(form, images, samples, tests.get((attribute, absolute))) if samples else None
            yield name, Figure(form.value(images), interval=interval)
        elif kind == "standardised" and name not in images.groups:
            interval = _gap_interval(form, images, samples) if samples else None
            yield name, Figure(form.value(images), interval=interval, note=form.note)
