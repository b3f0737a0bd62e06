"""Which faces a sheet shows, and what it says below them."""

import numpy as np
import pandas as pd
import pytest

from engine.data.contact_sheet import FACE, draw_sheet
from engine.data.manifest import Manifest
from engine.data.report import RowProblem
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import ConfigError, DataError


def _manifest(frame: pd.DataFrame) -> Manifest:
    def read(image: str) -> np.ndarray:
        if image.startswith("bad"):
            raise DataError("damaged image")
        return np.full((40, 60, 3), 200, dtype=np.uint8)

    return Manifest("it", frame, ("gender",), read, str, str.encode)


def _frame(count: int, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"image": [f"{n:03}" for n in range(count)], "split": "valid", "age": np.arange(count) * 1.0})
    frame["gender"] = pd.Series(["male", "female"] * (count // 2) + ["male"] * (count % 2), dtype=object)
    return frame.assign(**columns)


def test_faces_are_spread_from_the_youngest_to_the_oldest() -> None:
    shuffled = _frame(101).sample(frac=1, random_state=1)
    sheet = draw_sheet(_manifest(shuffled), count=5)
    assert sheet.images == ("000", "025", "050", "075", "100")
    assert sheet.total == 101
    again = draw_sheet(_manifest(shuffled), count=5)
    assert sheet.picture.tobytes() == again.picture.tobytes()


def test_all_of_a_few_are_shown() -> None:
    sheet = draw_sheet(_manifest(_frame(3)), count=48)
    assert sheet.images == ("000", "001", "002")
    assert sheet.picture.width >= 2 * FACE


def test_the_sheet_shows_ranges_of_ages() -> None:
    frame = _frame(3)
    ranges = {"age_low": frame["age"] - 5, "age_high": frame["age"] + 5}
    frames = [frame.assign(**ends) for ends in ({}, ranges, ranges | {"age_high": np.nan})]
    assert len({draw_sheet(_manifest(one)).picture.tobytes() for one in frames}) == 3


def test_a_split_and_a_group_narrow_it() -> None:
    frame = _frame(40, split=["train"] * 20 + ["valid"] * 20)
    women = draw_sheet(_manifest(frame), split="valid", group=("gender", "female"), count=400)
    assert women.total == 10
    assert all(int(image) % 2 == 1 and int(image) >= 20 for image in women.images)
    old = draw_sheet(_manifest(frame), group=("age", "20-40"), count=400)
    assert old.images == tuple(f"{n:03}" for n in range(20, 40))


def test_unlabelled_faces_are_shown_where_nothing_is_labelled() -> None:
    some = draw_sheet(_manifest(_frame(4, age=[1.0, np.nan, 3.0, np.nan])))
    assert some.images == ("000", "002")
    none = draw_sheet(_manifest(_frame(4, age=np.nan, gender=None)))
    assert len(none.images) == 4


def test_an_unreadable_image_leaves_its_place_blank() -> None:
    frame = _frame(3)
    frame["image"] = ["a", "bad", "c"]
    assert draw_sheet(_manifest(frame)).unreadable == (RowProblem("bad", "damaged image"),)


@pytest.mark.parametrize("name", ["[/]", "x" * 300, "a\nb\tc", "\u202eأحمد", "\udcff", ""])
def test_any_text_can_stand_in_a_caption(name: str) -> None:
    frame = _frame(2, gender=pd.Series([name, "male"], dtype=object))
    manifest = Manifest(name, frame, ("gender",), _manifest(frame).read, str, str.encode)
    assert len(draw_sheet(manifest).images) == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"split": "holdout"}, ConfigError, "choose one of train, valid, test"),
        ({"group": ("gender", "x")}, ConfigError, "it has male, female"),
        ({"group": ("height", "tall")}, ConfigError, "no attribute 'height'"),
        ({"split": "train"}, DataError, "no images; choose another split or group"),
        ({"count": 0}, ConfigError, "1 to 400"),
    ],
)
def test_wrong_options_are_refused(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        draw_sheet(_manifest(_frame(4)), **options)


def test_drawn_faces_need_no_files() -> None:
    spec = DataSpec(name="few", format="synthetic", synthetic=SyntheticOptions(counts=(6, 4, 0), image_size=32))
    assert draw_sheet(load_manifest(spec), split="valid").total == 4
