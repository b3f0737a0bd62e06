"""Seed variances, and tests of many differences, against independent references."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ageui.compare.difference_test import Side, difference_test, seeds_to_settle
from ageui.compare.many_tests import CORRECTIONS, Correction, adjusted, known_correction
from ageui.compare.seed_figures import seed_variances
from ageui.compare.seed_variance import SeedVariance, seed_variance
from engine.errors import ConfigError
from engine.fairness import Interval

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(P_VALUES)
def test_benjamini_and_hochberg_is_that_of_scipy(p_values: list[float]) -> None:
    assert adjusted(p_values, "bh") == pytest.approx(scipy.stats.false_discovery_control(p_values), abs=1e-12)


@given(P_VALUES, st.floats(0.001, 0.5))
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float], level: float) -> None:
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = set()
    for step, place in enumerate(order):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(place)
    assert {place for place, value in enumerate(adjusted(p_values)) if value <= level} == rejected


@given(P_VALUES, st.sampled_from(list(CORRECTIONS)))
def test_adjusted_values_keep_their_order_and_are_never_smaller(p_values: list[float], correction: Correction) -> None:
    found = adjusted(p_values, correction)
    assert all(raw <= value <= 1 for raw, value in zip(p_values, found, strict=True))
    by_raw = [found[place] for place in np.argsort(p_values, kind="stable")]
    assert by_raw == sorted(by_raw)


def test_no_tests_need_no_correction_and_an_unknown_one_is_named() -> None:
    assert adjusted([]) == []
    with pytest.raises(ConfigError, match="choose one of holm, bh, none"):
        known_correction("bonferroni")


def shared(variance: float, degrees: float) -> SeedVariance:
    """A prior that is known: one candidate."""
    return SeedVariance(np.array([variance]), np.array([degrees]), np.ones(1))


@pytest.mark.simulation
@pytest.mark.parametrize("degrees", [4.0, 8.0])
def test_the_common_variance_is_found_again(degrees: float) -> None:
    """Variances drawn from the model of Smyth (2004): s0^2 d0 / chi^2(d0), each seen over three seeds."""
    random = np.random.default_rng(1)
    true = 0.04 * degrees / random.chisquare(degrees, 20_000)
    seen = true * random.chisquare(2, 20_000) / 2
    found = seed_variance([float(value) for value in seen], [2] * len(seen))
    assert found is not None
    assert found.typical == pytest.approx(0.04, rel=0.05)
    assert found.weights @ found.degrees == pytest.approx(degrees, rel=0.01)


def test_candidates_are_weighted_by_how_well_they_explain_the_settings() -> None:
    """Each sample variance follows s0^2 F(d, d0); candidates of one d0 are evenly spaced in log s0^2."""
    variances, degrees = [0.010, 0.020, 0.004], [2, 4, 1]
    found = seed_variance(variances, degrees)
    assert found is not None
    fit = np.zeros(len(found.weights))
    for variance, d in zip(variances, degrees, strict=True):
        f = scipy.stats.f(d, found.degrees)
        fit += f.logpdf(variance / found.variances) - np.log(found.variances)
    widths = np.repeat(np.log(found.variances).reshape(5, 9)[:, 1] - np.log(found.variances).reshape(5, 9)[:, 0], 9)
    expected = np.exp(fit - fit.max()) * widths
    assert found.weights == pytest.approx(expected / expected.sum())


def test_settings_that_vary_alike_lend_more_than_those_that_do_not() -> None:
    alike, apart = seed_variance([0.01] * 6, [4] * 6), seed_variance([0.0001, 0.001, 0.01, 0.1, 1.0], [4] * 5)
    assert alike is not None
    assert apart is not None
    assert alike.weights @ alike.degrees > 8 > 2 > apart.weights @ apart.degrees
    assert alike.typical == pytest.approx(0.01, rel=0.1)
    variances, degrees = shared(0.01, 5.0).moderated(0.02, 5.0)
    assert (variances.tolist(), degrees.tolist()) == ([pytest.approx(0.015)], [10.0])
    assert seed_variance([], []) is None


def test_a_setting_without_repeats_and_figures_that_are_none_say_nothing() -> None:
    runs = [("a", {"mae": 6.0, "age": None}), ("a", {"mae": 6.5, "age": 2.0}), ("b", {"mae": math.nan})]
    found, expected = seed_variances(runs), seed_variance([0.125], [1])
    assert expected is not None
    assert list(found) == ["mae"]
    assert found["mae"].typical == pytest.approx(expected.typical)
    assert seed_variances([("a", {"mae": 6.0}), ("b", {"mae": 7.0})]) == {}


def test_one_source_of_chance_leaves_students_t() -> None:
    """A side against a constant, whose variance counts as seven degrees of freedom."""
    test = difference_test(-0.5, 0.0, 1000, [Side(3, 0.03)], shared(0.02, 5.0))
    assert test is not None
    error = math.sqrt((5 * 0.02 + 2 * 0.03) / 7 / 3)
    assert test.p_value == pytest.approx(2 * scipy.stats.t.sf(0.5 / error, 7))
    margin = scipy.stats.t.isf(0.05, 7) * error
    assert test.interval(0.9) == Interval(pytest.approx(-0.5 - margin), pytest.approx(-0.5 + margin))


@pytest.mark.simulation
@pytest.mark.parametrize("degrees", [5.0, 7.0, 12.0])
def test_two_sides_follow_the_distribution_of_behrens_and_fisher(degrees: float) -> None:
    """The sum of two scaled t variables and a normal one, of which one in twenty and in a thousand lies beyond."""
    random = np.random.default_rng(2)
    ours, theirs = random.standard_t(degrees, (2, 400_000)) * [[0.1], [0.2]]
    drawn = np.abs(ours + theirs + random.normal(0, 0.1, 400_000))
    sides = [Side(2, 2 * degrees * variance) for variance in (0.01, 0.04)]
    for share in (0.05, 0.001):
        test = difference_test(float(np.quantile(drawn, 1 - share)), 0.01, 10_000, sides, shared(0.0, degrees - 1))
        assert test is not None
        assert test.p_value == pytest.approx(share, rel=0.25)


def test_without_any_variance_only_equal_figures_are_equal() -> None:
    same, other = (difference_test(value, 0.0, 100, [Side(2)], None) for value in (0.0, 0.1))
    assert same is not None
    assert other is not None
    assert (same.p_value, other.p_value) == (1.0, pytest.approx(0.0, abs=1e-12))


@given(st.lists(st.floats(0, 10), min_size=2, max_size=6), st.floats(0, 1), st.floats(0.5, 0.999))
def test_an_interval_inverts_its_test(variances: list[float], image_variance: float, confidence: float) -> None:
    sides = [Side(3, variances[0]), Side(2, variances[1])]
    test = difference_test(1.0, image_variance, 100, sides, seed_variance(variances, [2] * len(variances)))
    assert test is not None
    ends = test.interval(confidence)
    beyond = replace(test, value=(ends.high - ends.low) / 2)
    assert beyond.p_value == pytest.approx(1 - confidence, rel=1e-6)


def test_so_many_seeds_find_the_difference_in_four_of_five() -> None:
    seeds = shared(0.017, 8.0)
    count = seeds_to_settle(0.25, 0.002, seeds)
    assert count is not None
    power = [
        scipy.stats.norm.sf(1.96 - 0.25 / math.sqrt(0.002 + 2 * 0.017 / seeds_a_side))
        for seeds_a_side in (count, count - 1)
    ]
    assert power[0] >= 0.8 > power[1]
    assert seeds_to_settle(0.25, 0.01, seeds) is None
