"""Tables in JSON and Parquet, also with pictures in them as Hugging Face writes them."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from image_bytes import encoded
from PIL import Image
from pyarrow import parquet

from engine.data.manifest import Manifest
from engine.data.pixels import open_pixels
from engine.data.sources import load_manifest, settled
from engine.data.sources.read_table import read_raw_table
from engine.data.spec import DataSpec
from engine.errors import DataError

ROWS = [{"image": f"{place}.png", "age": 20 + place / 2, "sex": "fm"[place % 2]} for place in range(6)]
CELLS = [{name: str(value) for name, value in row.items()} for row in ROWS]
LINES = "".join(f"{json.dumps(row)}\n" for row in ROWS)


def _png(place: int) -> bytes:
    return encoded(Image.new("RGB", (8, 8), (40 * place, 10, 20)))


def _load(path: Path, **options: Any) -> Manifest:
    spec, _ = settled(DataSpec(name="it", format="table", path=str(path), **options))
    return load_manifest(spec)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(LINES, "t.jsonl", id="lines"),
        pytest.param(LINES.replace("\n", "\n\n"), "t.json", id="lines with blank ones between"),
        pytest.param(gzip.compress(LINES.encode(), mtime=0), "t.ndjson.gz", id="lines in gzip"),
        pytest.param(json.dumps(ROWS), "t.json", id="a list"),
        pytest.param(json.dumps(ROWS, indent=2).encode("utf-8-sig"), "t.json", id="an indented list"),
        pytest.param(json.dumps(ROWS).encode("utf-16"), "t.txt", id="UTF-16"),
        pytest.param(json.dumps({"version": 1, "rows": ROWS}), "t.json", id="a list in an object"),
        pytest.param(
            json.dumps({row["image"]: {"age": row["age"], "sex": row["sex"]} for row in ROWS}),
            "t.json",
            id="rows by image",
        ),
        *(
            pytest.param(pd.DataFrame(ROWS).to_json(orient=form), "t.json", id=f"pandas, {form}")
            for form in ("records", "columns", "index", "split")
        ),
        pytest.param(json.dumps(pd.DataFrame(ROWS).to_dict("list")), "t.json", id="lists by column"),
    ],
)
def test_the_forms_of_json_tables(tmp_path: Path, content: bytes | str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert read_raw_table(path).frame[["image", "age", "sex"]].to_dict("records") == CELLS


def test_values_that_json_lacks_are_empty_cells_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"image": "a"}\n{"age": null, "image": "b"}\n{oops\n[1]\n{"age": 3}\n')
    table = read_raw_table(path)
    assert table.frame.to_dict("list") == {"image": ["a", "b", ""], "age": ["", "", "3"]}
    assert [str(problem) for problem in table.problems] == [
        "line 3: it is not a JSON object",
        "line 4: it is not a JSON object",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            json.dumps({row["image"]: row["age"] for row in ROWS}),
            "an object with the keys 0.png, .*; write it as",
        ),
        (json.dumps({"images": ROWS, "annotations": ROWS}), "an object with the keys images, annotations"),
        (json.dumps([[1, 2]]), "a list of lists, not of objects; write it as"),
        ('[{"image": "a.png", "age"', "its JSON is damaged or truncated: .* in line 1"),
        ("[" * 100_000, "nested too deeply"),
        ("[{}]", "it holds no rows"),
    ],
)
def test_other_json_is_refused_with_the_form_to_use(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=said) as caught:
        read_raw_table(tmp_path / "t.json")
    assert len(str(caught.value)) < 500


def _embedded(path: Path, pictures: list[Any], name: str = "image", group: int = 2) -> Path:
    rows = {name: pictures, "age": [20.0 + place for place in range(len(pictures))]}
    parquet.write_table(pa.table(rows), path, row_group_size=group)
    return path


@pytest.mark.parametrize("group", [2, 100])
def test_pictures_in_a_table_are_read_from_it_under_their_paths(tmp_path: Path, group: int) -> None:
    pictures = [{"bytes": _png(place), "path": f"img/{place}.png"} for place in range(5)]
    path = _embedded(tmp_path / "t.parquet", pictures, group=group)
    manifest = _load(path, fractions=(1.0, 0.0, 0.0))
    assert manifest.frame["image"].tolist() == [f"img/{place}.png" for place in range(5)]
    assert manifest.frame["age"].tolist() == [20, 21, 22, 23, 24]
    assert manifest.notes == ("the images are in the table itself, in column image",)
    pixels = open_pixels(manifest, 4, tmp_path / "cache")
    assert pixels.array[np.arange(5)][:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160]
    assert manifest.content("img/3.png") == _png(3)


@pytest.mark.parametrize("name", ["image", "img", "jpg"])
def test_bytes_without_paths_are_named_by_their_rows(tmp_path: Path, name: str) -> None:
    manifest = _load(_embedded(tmp_path / "t.parquet", [_png(place) for place in range(3)], name))
    assert manifest.frame["image"].tolist() == ["row 1", "row 2", "row 3"]
    assert manifest.read("row 3")[0, 0].tolist() == [80, 10, 20]


def test_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table([["a.png"], [3.0], [4.0]], names=["image", "age", "age"]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="several of its columns are called age; rename all but one"):
        read_raw_table(tmp_path / "t.parquet")


def test_paths_that_are_not_distinct_name_no_pictures(tmp_path: Path) -> None:
    pictures = [{"bytes": _png(place), "path": "image.png"} for place in range(3)]
    manifest = _load(_embedded(tmp_path / "t.parquet", pictures))
    assert manifest.frame["image"].tolist() == ["row 1", "row 2", "row 3"]


def test_a_row_without_picture_is_that_rows_problem_and_a_changed_table_is_named(tmp_path: Path) -> None:
    pictures = [{"bytes": _png(0), "path": "a.png"}, {"bytes": None, "path": "b.png"}]
    path = _embedded(tmp_path / "t.parquet", pictures, group=1)
    manifest = _load(path)
    with pytest.raises(DataError, match="the table holds no image in this row"):
        manifest.read("b.png")
    before = manifest.fingerprint("a.png")
    _embedded(path, pictures * 2)
    assert manifest.fingerprint("a.png") != before
    with pytest.raises(DataError, match="it changed after its rows were read"):
        manifest.read("a.png")


def test_structs_that_hold_only_paths_and_bytes_that_hold_text_name_files(tmp_path: Path) -> None:
    for place in range(2):
        (tmp_path / f"{place}.png").write_bytes(_png(place))
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = pa.array([{"bytes": None, "path": f"{place}.png"} for place in range(2)], kind)
    for images in (paths, pa.array([b"0.png", b"1.png"])):
        path = tmp_path / "t.parquet"
        parquet.write_table(pa.table({"image": images, "age": [3.0, 4.0], "code": [b"\xff\xfe", b"\x00"]}), path)
        manifest = _load(path)
        assert manifest.frame["image"].tolist() == ["0.png", "1.png"]
        assert manifest.read("1.png")[0, 0].tolist() == [40, 10, 20]
        assert manifest.notes == ("left out columns of bytes that are neither images nor text: code",)


def test_class_numbers_of_hugging_face_become_their_names(tmp_path: Path) -> None:
    features = {
        "age": {"names": ["0-2", "3-9", "10-19"], "_type": "ClassLabel"},
        "gender": {"names": ["Male", "Female"], "_type": "ClassLabel"},
    }
    table = pa.table({"image": ["a.png", "b.png", "c.png"], "age": [2, 0, 1], "gender": [0, None, 1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, tmp_path / "t.parquet")
    raw = read_raw_table(tmp_path / "t.parquet")
    assert raw.frame["age"].tolist() == ["10-19", "0-2", "3-9"]
    assert raw.frame["gender"].tolist() == ["Male", None, "Female"]
    assert raw.notes == ("codes replaced by the names stored in the table: age, gender",)


def test_a_named_index_is_a_column(tmp_path: Path) -> None:
    pd.DataFrame(ROWS).set_index("image").to_parquet(tmp_path / "t.parquet")
    frame = read_raw_table(tmp_path / "t.parquet").frame
    assert frame[["image", "age", "sex"]].to_dict("records") == ROWS


def test_damaged_notes_of_pandas_in_a_file_do_no_harm(tmp_path: Path) -> None:
    noted = {"pandas": json.dumps({"index_columns": [{"kind": "range"}], "columns": [], "column_indexes": []})}
    parquet.write_table(pa.Table.from_pylist(ROWS).replace_schema_metadata(noted), tmp_path / "t.parquet")
    assert read_raw_table(tmp_path / "t.parquet").frame.to_dict("records") == ROWS


def test_text_that_is_none_in_parquet_is_refused(tmp_path: Path) -> None:
    raw = pa.array([b"a.png", b"\xed.png"])
    names = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    parquet.write_table(pa.table({"image": names, "age": [3.0, 4.0]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as a table: .*UTF8"):
        read_raw_table(tmp_path / "t.parquet")
