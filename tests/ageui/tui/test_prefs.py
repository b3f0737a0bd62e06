"""Preferences of a user who has several applications open, or a broken file."""

import json
from pathlib import Path

from ageui.tui.prefs import Prefs


def test_two_applications_keep_the_changes_of_both(tmp_path: Path) -> None:
    path = tmp_path / "tui.json"
    Prefs(theme="ageui-dark", filters=("old",)).save(path)
    one, two = Prefs.load(path), Prefs.load(path)
    one.keep_filter("loss=mse")
    one.save(path)
    two.order = "mae"
    two.keep_filter("old")
    two.save(path)
    assert Prefs.load(path) == Prefs(theme="ageui-dark", order="mae", filters=("old", "loss=mse"))
    one.folded = True
    one.save(path)
    assert Prefs.load(path) == Prefs(theme="ageui-dark", order="mae", folded=True, filters=("old", "loss=mse"))
    assert one.order == "turn", "what one shows stays as it is"
    one.folded, one.order = False, "name"
    one.save(path)
    assert (Prefs.load(path).folded, Prefs.load(path).order) == (False, "name")


def test_filters_that_a_terminal_cannot_show_are_not_recalled(tmp_path: Path) -> None:
    path = tmp_path / "tui.json"
    for text in ("\ud800", "a\x1b[2J", "a\nb"):
        path.write_text(json.dumps({"filters": [text, "loss=mse"], "order": "mae"}))
        assert Prefs.load(path) == Prefs(order="mae")
