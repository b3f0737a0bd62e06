"""Names of runs and data sets, and how runs are referred to."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_rows import config, queued

from ageui.store import NewRun, Store
from ageui.store.name_words import ADJECTIVES, ANIMALS
from ageui.store.names import friendly_name, valid_name, valid_tag
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError

HARMLESS = [
    "[/]",
    "[@click=app.quit]",
    "mape · gender",
    "a=b",
    "שלום",
    "名前",
    "100%_done",
    "'quoted' \"twice\"",
    "--help",
    "x" * 100,
]
REFUSED = [
    "",
    "  ",
    " x",
    "12",
    "٣",
    "a\nb",
    "a\x1b[2Jb",
    "a\u202eb",
    "a\u2066b",
    "a\0b",
    "a\udcffb",
    "zero\u200bwidth",
    "x" * 101,
]


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_names_are_kept_and_found(store: Store, name: str) -> None:
    run_id = queued(store, name)
    queued(store, "other")
    assert store.runs.get(run_id).name == name
    assert store.runs.find(name) == [run_id]


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_mislead_are_refused(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match="the name"):
        queued(store, name)
    assert store.runs.count() == 0


def test_names_are_stored_in_one_normal_form(store: Store) -> None:
    run_id = queued(store, "cafe\u0301")
    assert store.runs.get(run_id).name == "caf\u00e9"
    with pytest.raises(ConfigError, match="already"):
        queued(store, "caf\u00e9")


@given(st.text())
def test_a_name_is_in_normal_form_and_visible_or_refused(text: str) -> None:
    try:
        name = valid_name(text)
    except ConfigError:
        return
    assert valid_name(name) == name == unicodedata.normalize("NFC", text)
    assert 1 <= len(name) <= 100
    assert {unicodedata.category(character) for character in name}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@pytest.mark.parametrize("tag", ["a b", "a,b", "7", ""])
def test_tags_that_cannot_be_filtered_are_refused(tag: str) -> None:
    with pytest.raises(ConfigError, match="the tag"):
        valid_tag(tag)


def test_made_up_names_differ_and_depend_on_the_number_alone() -> None:
    names = [friendly_name(number, lambda _: False) for number in range(1, 5001)]
    assert len(set(names)) == 5000
    assert len(set(ADJECTIVES)) == len(ADJECTIVES)
    assert len(set(ANIMALS)) == len(ANIMALS)
    assert friendly_name(1, {names[0]}.__contains__) == f"{names[0]}-2"
    assert friendly_name(1, {names[0], f"{names[0]}-2"}.__contains__) == f"{names[0]}-3"


def test_a_made_up_name_that_is_taken_gets_a_number(store: Store) -> None:
    taken = friendly_name(2, lambda _: False)
    queued(store, taken)
    assert store.runs.get(queued(store)).name == f"{taken}-2"


def test_names_of_runs_added_together_are_free_and_given_once(store: Store) -> None:
    made_up = [friendly_name(number, lambda _: False) for number in (1, 2, 3)]
    runs = [NewRun(config(seed=seed), BUILT_IN, name) for seed, name in enumerate((None, made_up[0], None))]
    ids = store.runs.add_many(runs)
    assert [store.runs.get(run_id).name for run_id in ids] == [f"{made_up[0]}-2", made_up[0], made_up[2]]
    assert store.runs.taken_names(["no", made_up[0], made_up[2]]) == [made_up[0], made_up[2]]
    with pytest.raises(ConfigError, match="a run is already named 'twice'"):
        store.runs.add_many([NewRun(config(), BUILT_IN, "twice")] * 2)
    assert store.runs.count() == 3


def test_a_run_is_an_id_a_name_or_a_filter(store: Store) -> None:
    first = queued(store, "calm-otter", loss="mape")
    second = queued(store, "calm-otter-2", loss="mse")
    assert store.runs.find(str(second)) == [second]
    assert store.runs.find("calm-otter") == [first]
    assert store.runs.find("otter") == [first, second]
    assert store.runs.find("loss=mse") == [second]
    assert store.runs.find("99") == store.runs.find("9" * 40) == store.runs.find("unknown") == []
    assert store.runs.find_one("loss=mse") == second
    with pytest.raises(ConfigError, match=r"'otter' matches 2 runs: 1 calm-otter, 2 calm-otter-2; give an id"):
        store.runs.find_one("otter")
    with pytest.raises(ConfigError, match="run 'unknown' does not exist"):
        store.runs.find_one("unknown")
    with pytest.raises(ConfigError, match="no run given"):
        store.runs.find_one(" ")


def test_data_sets(store: Store) -> None:
    faces = DataSpec(name="faces", format="course", path="/data/faces")
    store.data.add(faces)
    assert store.data.all() == [BUILT_IN, faces]
    assert store.data.get("faces") == faces
    assert store.data.get("synthetic") == BUILT_IN
    with pytest.raises(ConfigError, match="already"):
        store.data.add(faces)
    moved = faces.model_copy(update={"path": "/new"})
    store.data.add(moved, replace=True)
    assert store.data.get("faces") == moved
    with pytest.raises(
        ConfigError,
        match=r"unknown data set 'face'; did you mean 'faces'\? choose one of this database, 'synthetic', 'faces'",
    ):
        store.data.get("face")
    store.data.remove("faces")
    assert store.data.all() == [BUILT_IN]
    with pytest.raises(ConfigError, match="unknown data set"):
        store.data.remove("faces")


@pytest.mark.parametrize("name", ["synthetic", "a\x1bb", "3"])
def test_data_set_names_that_are_refused(store: Store, name: str) -> None:
    with pytest.raises(ConfigError):
        store.data.add(DataSpec(name=name, format="table", path="/x"))
    with pytest.raises(ConfigError):
        store.data.remove(name)
