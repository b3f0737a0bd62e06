"""The best setting within limits: which row wins, which are on the front, and in which words it is told."""

import pytest
from compare_rows import bias, run, scores

from ageui.compare import Comparison, compare
from ageui.compare.best import Best, best_first, find_best
from engine.errors import ConfigError
from engine.split_result import Figure

pytestmark = pytest.mark.fast

FIGURES = {1: (5.0, 4.0, 60.0), 2: (5.5, 2.9, 50.0), 3: (6.0, 2.5, 70.0), 4: (6.5, 2.8, 40.0)}


@pytest.fixture
def comparison() -> Comparison:
    """Four settings whose MAE rises; the age bias of the first is above 3, the last is on no front."""
    runs = [
        run(place, f"run {place}", scores(mae, bias("age", age), cs5=Figure(share)), batch=2**place)
        for place, (mae, age, share) in FIGURES.items()
    ]
    return compare(runs, fold_seeds=True, further=["cs5"])


@pytest.mark.parametrize(
    ("figure", "limits", "winner"),
    [
        ("mae", "", 1),
        ("mae", "age-bias<=3", 2),
        ("MAE", "age_bias<=2.9", 2),
        ("mae", "age<2.9 mae>=6", 3),
        ("age-bias", "mae<6", 2),
        ("cs5", "", 3),
        ("cs5", "mae<5.9", 1),
        ("mae", "age<=2", None),
    ],
)
def test_the_winner_has_the_best_figure_within_all_limits(
    comparison: Comparison, figure: str, limits: str, winner: int | None
) -> None:
    found = find_best(comparison, Best.of(figure, limits))
    assert (found.winner.id if found.winner is not None else None) == winner
    assert found.among == 4


def test_the_front_has_every_price(comparison: Comparison) -> None:
    def front(figure: str, limits: str = "") -> list[int | None]:
        return [row.id for row in find_best(comparison, Best.of(figure, limits)).front]

    assert front("mae", "age<=3") == front("mae") == [1, 2, 3]
    assert front("cs5", "age<=3") == [3]


@pytest.mark.parametrize(
    ("figure", "limits", "said"),
    [
        ("mae", "age=3", "--where age=3: write FIGURE<=NUMBER"),
        ("mae", "age<=three", "write FIGURE<=NUMBER"),
        ("mae", "age", "write FIGURE<=NUMBER"),
        ("slope", "", "neither low nor high"),
        ("mae", "heigth<=3", "unknown figure 'heigth'; choose from mae, age"),
        ("val-loss", "", "unknown figure 'val_loss'"),
    ],
)
def test_a_goal_that_is_none_is_refused(comparison: Comparison, figure: str, limits: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        find_best(comparison, Best.of(figure, limits))
    assert said in str(raised.value)


def test_figures_that_chose_are_said_to_be_too_good(comparison: Comparison) -> None:
    told = best_first(comparison, Best.of("mae", "age<=3"), {})
    assert [row.id for row in told.rows] == [2, 1, 3]
    assert told.winner == (2,)
    assert told.answer[0] == (
        "lowest MAE with age bias <= 3: run 2, MAE 5.50, age bias 2.90; these figures chose it among 4 settings, so "
        "they are too good; ageui compare --best … --confirm repeats it with 5 other seeds"
    )
    assert told.answer[1] == "Pareto front of MAE, age bias: run 1, run 2, run 3"
    told = best_first(comparison, Best.of("mae", "age<=1"), {})
    assert (told.answer[0], told.winner) == ("none of 4 settings has age bias <= 1", ())


def test_repeated_seeds_speak_for_their_setting() -> None:
    repeats = [run(10 + seed, f"r{seed}", scores(5.5 + seed / 10, bias("age", 2.0)), seed=seed) for seed in (1, 2)]
    other = run(1, "other", scores(5.9, bias("age", 2.0)), batch=64)
    comparison = compare([*repeats, other], fold_seeds=True)
    told = best_first(comparison, Best.of("mae"), {11: "done", 12: "done"})
    assert told.winner == (11, 12)
    assert told.answer[0] == (
        "lowest MAE: batch 32, MAE 5.65 ±0.07 (n=2), over seeds that did not choose it; the images did, among 2 "
        "settings"
    )
    told = best_first(comparison, Best.of("mae"), {1: "done", 11: "done", 12: "done"})
    assert "over seeds that chose it among 2 repeated settings; the images did" in told.answer[0]
    told = best_first(comparison, Best.of("mae"), {12: "running"})
    assert told.answer[0].endswith("so they are too good; its repeats are not done yet, see ageui queue")


def test_repeats_without_scores_are_told() -> None:
    lucky = run(1, "lucky", scores(5.5), batch=64)
    repeats = [run(10 + seed, f"r{seed}", status="failed", batch=64, seed=seed) for seed in (1, 2)]
    told = best_first(compare([lucky, *repeats], fold_seeds=True), Best.of("mae"), {11: "failed", 12: "failed"})
    assert told.answer[0].endswith(
        "so they are too good; its repeats have no scores (2 failed), see ageui logs; ageui compare --best … --confirm "
        "repeats it with 5 other seeds"
    )
