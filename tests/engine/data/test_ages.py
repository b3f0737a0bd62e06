"""Ages as people write them: what is read, what it stands for, and what is refused."""

import math

import numpy as np
import pytest

from engine.data.sources.ages import AgeReader


@pytest.mark.parametrize(
    ("cell", "years"),
    [
        ("25", 25.0),
        (" 25.5 ", 25.5),
        ("25.", 25.0),
        (".5", 0.5),
        (7, 7.0),
        (np.float32(20.1), 20.1),
        (1e-05, 1e-05),
        ("25,5", 25.5),
        ("0,250", 0.25),
        ("9,5000", 9.5),
    ],
)
def test_plain_numbers_are_years(cell: object, years: float) -> None:
    age = AgeReader().read(cell)
    assert age.years == years
    assert math.isnan(age.low)


@pytest.mark.parametrize(
    ("cell", "low", "high"),
    [
        ("20-29", 20, 29),
        ("20 – 29", 20, 29),
        ("20—29", 20, 29),
        ("20−29 years", 20, 29),
        ("25 to 32", 25, 32),
        ("between 25 and 32", 25, 32),
        ("25..32", 25, 32),
        ("(25, 32)", 25, 32),
        ("(25,32]", 25, 32),
        ("[25;32]", 25, 32),
        ("(24.5, 32.0]", 24.5, 32),
        ("[24,5; 32]", 24.5, 32),
        ("24,5-32,5", 24.5, 32.5),
        ("0-2", 0, 2),
        ("(0, 2)", 0, 2),
        ("under 3", 0, 3),
        ("<3", 0, 3),
        ("3 and younger", 0, 3),
        ("(-inf, 3]", 0, 3),
        ("30s", 30, 39),
    ],
)
def test_a_range_counts_with_its_middle_and_is_kept(cell: str, low: float, high: float) -> None:
    assert AgeReader().read(cell) == ((low + high) / 2, low, high)


@pytest.mark.parametrize(
    "cell",
    [
        *("more than 70", "70+", "70 +", "70 and over", "70 or older", "70 & above", ">70", ">= 70", "≥70", "Over 70"),
        *("70 plus", "70 years and older", "at least 70", "(70, inf)", "[70, )"),
    ],
)
def test_a_range_without_an_upper_end_covers_ten_years(cell: str) -> None:
    years, low, high = AgeReader().read(cell)
    assert (years, low) == (75.0, 70.0)
    assert math.isnan(high)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        *((cell, "is neither a number") for cell in ("1_6", "0x1f", "1e1", "inf", "２５", "٢٥", "25 years", "25, 32")),
        *((cell, "is neither a number") for cell in ("20--29", "4-6 months", "20-29-30", "1/2", "True")),
        *((cell, "may be a decimal or thousands") for cell in ("1,234", "25,123", "1,234,567")),
        *((cell, "is missing") for cell in ("", "nan", "NA", "N/A", "None", "null", "?")),
        ("-1", "age -1 is not between 0 and 120"),
        ("1985", "age 1985 is not between"),
        ("1980-1989", "age '1980-1989' is not between"),
        ("29-20", "ends before it begins"),
        ("9-Mar", "is a date"),
        ("Oct-19", "is a date"),
    ],
)
def test_other_cells_are_refused_with_the_cause(cell: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AgeReader().read(cell)


def test_no_message_repeats_a_long_cell() -> None:
    with pytest.raises(ValueError, match="is neither a number") as refused:
        AgeReader().read("x" * 100_000)
    assert len(str(refused.value)) < 150


def test_each_kind_is_noted_once_with_its_number() -> None:
    reader = AgeReader()
    for cell in ("25", "20-29", "30-39", "70+", "2,5", "3,5"):
        reader.read(cell)
    comma, ranges, without_end = reader.notes()
    assert "2 ages are written with a decimal comma: '2,5' is read as 2.5" in comma
    assert "2 ages are given as ranges: the middle is used, so '20-29' is read as 24.5" in ranges
    assert "1 age is given as ranges without an upper end" in without_end
    assert "'70+' is read as 75" in without_end


@pytest.mark.parametrize(("cell", "years"), [("0.25", 25.0), (0.5, 50.0), ("0,5", 50.0), ("0.2-0.3", 25.0)])
def test_a_scale_makes_years_of_other_units(cell: object, years: float) -> None:
    assert AgeReader(100.0).read(cell).years == pytest.approx(years)
