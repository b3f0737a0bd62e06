"""Seed variances, and tests of many differences, against independent references."""

import math

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


@pytest.mark.simulation
@pytest.mark.parametrize("degrees", [3.0, 8.0])
def test_the_common_variance_is_found_again(degrees: float) -> None:
    """Variances drawn from the model of Smyth (2004): s0^2 d0 / chi^2(d0), each seen over three seeds."""
    random = np.random.default_rng(1)
    true = 0.04 * degrees / random.chisquare(degrees, 20_000)
    seen = true * random.chisquare(2, 20_000) / 2
    found = seed_variance([float(value) for value in seen], [2] * len(seen))
    assert found is not None
    assert found.variance == pytest.approx(0.04, rel=0.05)
    assert found.degrees == pytest.approx(degrees, rel=0.1)


def test_settings_that_vary_alike_share_one_variance_and_a_lone_one_lends_nothing() -> None:
    alike = seed_variance([0.01] * 6, [4] * 6)
    assert alike is not None
    assert (alike.variance, alike.degrees) == (pytest.approx(0.01), math.inf)
    assert alike.moderated(0.02, 5.0) == (pytest.approx(0.015), 10.0)
    assert seed_variance([0.01], [4]) == SeedVariance(0.01, 0.0)
    assert SeedVariance(0.01, 0.0).moderated(0.02, 4.0) == (0.02, 4.0)
    assert seed_variance([], []) is None


def test_a_setting_without_repeats_and_figures_that_are_none_say_nothing() -> None:
    runs = [("a", {"mae": 6.0, "age": None}), ("a", {"mae": 6.5, "age": 2.0}), ("b", {"mae": math.nan})]
    assert seed_variances(runs) == {"mae": SeedVariance(0.125, 0.0)}
    assert seed_variances([("a", {"mae": 6.0}), ("b", {"mae": 7.0})]) == {}


def test_without_images_the_test_is_that_of_students_two_samples() -> None:
    ours, theirs = np.array([6.0, 6.4, 6.1]), np.array([6.9, 6.6, 7.3])
    pooled = float((ours.var(ddof=1) + theirs.var(ddof=1)) / 2)
    sides = [Side(3, pooled)] * 2
    test = difference_test(float(ours.mean() - theirs.mean()), 0.0, 1000, sides, SeedVariance(pooled, 2.0))
    assert test is not None
    assert test.degrees == pytest.approx(4)
    assert test.p_value == pytest.approx(scipy.stats.ttest_ind(ours, theirs).pvalue)


def test_without_any_variance_only_equal_figures_are_equal() -> None:
    same, other = (difference_test(value, 0.0, 100, [Side(2)], None) for value in (0.0, 0.1))
    assert same is not None
    assert other is not None
    assert (same.p_value, other.p_value) == (1.0, 0.0)


def test_so_many_seeds_find_the_difference_in_four_of_five() -> None:
    seeds = SeedVariance(0.017, math.inf)
    count = seeds_to_settle(0.25, 0.002, seeds)
    assert count is not None
    power = [
        scipy.stats.norm.sf(1.96 - 0.25 / math.sqrt(0.002 + 2 * 0.017 / seeds_a_side))
        for seeds_a_side in (count, count - 1)
    ]
    assert power[0] >= 0.8 > power[1]
    assert seeds_to_settle(0.25, 0.01, seeds) is None
