"""The methods paragraph: every number is that of the code, and nothing is said of what was not computed."""

from dataclasses import replace

import pytest
from compare_rows import bias, run, scores

import ageui.compare.methods
from ageui.compare import ComparedRow, Comparison, compare
from ageui.compare.comparison import Marking
from ageui.compare.differences import EQUIVALENCE
from ageui.compare.methods import methods_text
from ageui.present.table import Cell, Difference, Spread
from ageui.store import RunDetail
from engine.errors import ConfigError
from engine.fairness import CONFIDENCE, RESAMPLES, STATISTICS
from engine.gap_test import SMALLEST_GROUP
from engine.split_result import LEVEL, Interval

VERSIONS = {"versions": {"ageui": "9.8.7", "torch": "2.99.1"}}


def _run(run_id: int, seed: int, loss: str, selected_on: str | None = None) -> RunDetail:
    own = scores(6.0, bias("gender", 0.5, p_value=0.5), interval=Interval(5, 7), selected_on=selected_on, n=1234)
    return replace(run(run_id, f"run-{run_id}", own, seed=seed, loss=loss), manifest=VERSIONS, data_hash="c0ffee")


def _tested(runs: list[RunDetail], margin: float | None = None) -> Comparison:
    """Two settings of two seeds, the second tested against the first."""
    difference = Difference(-0.5, Interval(-1, 0), 0.01, 0.02, equivalent=False if margin else None)
    cell = Cell(6.0, spread=Spread(0.1, 2))
    names = ("mse", "mape")
    rows = tuple(
        ComparedRow(
            "run", None, name, "done", {"loss": name}, 1234,
            (replace(cell, difference=difference if place else None), replace(cell, p_value=0.5)),
            True, None, is_baseline=not place, runs=(2 * place + 1, 2 * place + 2),
        )
        for place, name in enumerate(names)
    )  # fmt: skip
    return Comparison(
        "valid", 1234, ("mae", "gender"), ("loss",), rows, "mse", (), folded=True, tests=17, further_tests=9,
        marking=Marking("bh", margin), data="faces",
    )  # fmt: skip


RUNS = [_run(1, 0, "mse"), _run(2, 1, "mse"), _run(3, 0, "mape"), _run(4, 1, "mape")]


def test_single_runs_claim_no_test_over_seeds() -> None:
    text = methods_text(compare([_run(1, 0, "mse"), _run(2, 0, "mape")], baseline="run-1"), RUNS[:2])
    assert "2 runs were trained on faces (content hash c0ffee)." in text
    assert "1,234 faces of the valid split, against their apparent ages." in text
    assert "They differ in loss (mse, mape)." in text
    assert "Each row is a single run (seed" in text
    assert "Whether settings differ was not tested." in text
    assert f"bootstrap-t interval from {RESAMPLES:,} bootstrap resamples" in text
    assert not any(word in text for word in ("✔", "≈", "correction for", "selected", "published", "over several seeds"))


def test_every_number_is_that_of_the_code() -> None:
    text = methods_text(_tested(RUNS, margin=0.3), RUNS)
    assert "Each setting was trained with 2 seeds (seeds 0, 1)" in text
    assert (
        f"at least {RESAMPLES:,} shuffles, at p > {LEVEL:g} and without correction; attributes with a group of " in text
    )
    assert f"fewer than {SMALLEST_GROUP} are not tested" in text
    assert f"a paired bootstrap with {RESAMPLES:,} resamples" in text
    assert (
        f"The level is {LEVEL:g}, with Benjamini and Hochberg's correction for the 17 tests of MAE and biases and "
        "the 9 tests of further figures, each family by itself."
    ) in text
    assert f"within ±0.3 years if the {EQUIVALENCE:.0%} interval" in text
    assert "ageui 9.8.7 and torch 2.99.1." in text
    assert f"Scores have revision {STATISTICS} of ageui's statistics" in text
    assert "interval of an MAE" not in text, "means over seeds have none"
    assert "≈" not in methods_text(_tested(RUNS), RUNS)


def test_numbers_follow_the_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    before = methods_text(_tested(RUNS), RUNS)
    for name, value in (("RESAMPLES", 777), ("LEVEL", 0.123), ("SMALLEST_GROUP", 31), ("STATISTICS", 55)):
        monkeypatch.setattr(ageui.compare.methods, name, value)
    after = methods_text(_tested(RUNS), RUNS)
    assert str(RESAMPLES) not in after
    assert all(number in after and number not in before for number in ("777", "0.123", "than 31", "revision 55"))
    assert f"{CONFIDENCE:.0%}" == ageui.compare.methods._PERCENT


def test_selected_scores_are_said_to_be() -> None:
    runs = [_run(1, 0, "mse", "valid"), _run(2, 0, "mape", "valid")]
    assert "The scores are selected: these images chose the weights" in methods_text(compare(runs), runs)


def test_scores_of_earlier_statistics_claim_no_resamples() -> None:
    runs = [replace(one, results=(replace(one.results[0], statistics=1),)) for one in RUNS[:2]]
    text = methods_text(compare(runs), runs)
    assert "those of an earlier revision" in text
    assert not any(word in text for word in ("shuffles", "resamples", "bootstrap"))
    assert "Scores have revision 1 of" in text


def test_without_scores_little_is_said() -> None:
    runs = [run(1, "a", status="queued")]
    assert methods_text(compare(runs), runs) == "No run of this comparison has scores.\n"


def test_markdown_escapes_names_and_other_formats_are_refused() -> None:
    runs = [replace(one, data_spec={"name": "a_*b*\x1b[2J"}) for one in RUNS]
    text = methods_text(_tested(runs), runs, "md")
    assert r"a\_\*b\*" in text
    assert "\x1b" not in text
    with pytest.raises(ConfigError, match="choose one of txt, md"):
        methods_text(_tested(runs), runs, "csv")


def test_files_of_the_same_name_in_other_folders_are_told_apart() -> None:
    runs = [
        replace(one, row=replace(one.row, config={**one.config, "init": f"/{place}/weights.pt"}))
        for place, one in enumerate(RUNS[:2])
    ]
    text = methods_text(compare(runs), runs)
    assert "They differ in init (/0/weights.pt, /1/weights.pt)." in text
    assert " init weights.pt" not in text
    assert "init weights.pt" in methods_text(compare(runs[:1]), runs[:1])


def test_the_baseline_is_named_as_a_row_and_one_run_is_one() -> None:
    assert 'Differences are to the row "mse".' in methods_text(_tested(RUNS), RUNS)
    assert "The run was trained with ageui 9.8.7" in methods_text(compare(RUNS[:1]), RUNS[:1])


def test_runs_without_scores_are_not_passed_over() -> None:
    runs = [*RUNS, run(5, "lost", status="diverged", seed=2, loss="mse"), run(6, "waits", status="queued", seed=3)]
    text = methods_text(_tested(RUNS), runs)
    assert "2 runs without scores on this split (1 diverged, 1 queued) are left out." in text
    assert "left out" not in methods_text(_tested(RUNS), RUNS)
