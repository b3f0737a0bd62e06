"""Whether two rankings of the same cells agree: Spearman's rho and its interval."""

import math

import pandas as pd
import pytest

from ageui.study.rank_agreement import agreement


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0]),
        ([1.0, 1.0, 3.0, 4.0, 4.0, 6.0], [5.0, 2.0, 2.0, 9.0, 1.0, 0.0]),
        ([3.0, 2.0, 1.0], [1.0, 2.0, 3.0]),
    ],
)
def test_rho_is_that_of_pandas(ours: list[float], theirs: list[float]) -> None:
    expected = pd.DataFrame({"a": ours, "b": theirs}).corr(method="spearman").iloc[0, 1]
    found = agreement(ours, theirs)
    assert found.rho == pytest.approx(expected)
    assert found.n == len(ours)


def test_rho_needs_three_pairs_that_differ_and_its_interval_four() -> None:
    assert agreement([1.0, 2.0], [1.0, 2.0]).rho is None
    assert agreement([1.0, 2.0, math.nan], [1.0, 2.0, 3.0]).n == 2
    assert agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).rho is None
    assert agreement([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).interval is None
    assert agreement([], []).n == 0


def test_the_interval_of_rho_is_fishers_with_the_error_of_bonett_and_wright() -> None:
    # By hand: the squared differences of ranks add up to 60, and rho = 1 - 6 * 60 / (9 * 80) = 0.5. Then
    # z = 0.549306, the error is sqrt(1.125 / 6) = 0.433013, and the ends of z are -0.299383 and 1.397995.
    found = agreement([1, 2, 3, 4, 5, 6, 7, 8, 9], [6, 3, 2, 4, 5, 1, 9, 8, 7])
    assert found.rho == pytest.approx(0.5)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(-0.29075, abs=1e-5)
    assert found.interval.high == pytest.approx(0.88492, abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_agreement_of_few_cells_is_not_certain(sign: int) -> None:
    ours = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = agreement(ours, [sign * value for value in ours])
    assert found.rho == pytest.approx(sign)
    assert found.interval is not None
    # The ranking of five with two neighbours swapped has rho = 0.9.
    inner = math.tanh(math.atanh(0.9) - 1.959964 * math.sqrt((1 + 0.9**2 / 2) / 2))
    assert sorted((found.interval.low, found.interval.high)) == pytest.approx(sorted((sign * inner, float(sign))))
