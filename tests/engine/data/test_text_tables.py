"""Tables in text as spreadsheets, R, pandas and people write them: right cells under right names, or a refusal."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from engine.data.known_data import known_data
from engine.data.sources import settled
from engine.data.sources.raw_table import RawTable
from engine.data.sources.read_table import read_raw_table, read_table
from engine.data.spec import DataSpec
from engine.errors import DataError

NAMES = ("image", "age", "sex")
ROWS = [(f"img/{place:03d}.jpg", f"{20 + place / 2}", "m" if place % 2 else "f") for place in range(8)]


def _text(separator: str = ",", rows: list[tuple[str, ...]] | None = None, names: tuple[str, ...] = NAMES) -> str:
    return "".join(f"{separator.join(row)}\n" for row in [names, *(ROWS if rows is None else rows)])


def _sex(name: str) -> str:
    return _text(rows=[(image, age, name) for image, age, _ in ROWS])


def _read(folder: Path, content: bytes | str, name: str = "t.csv") -> RawTable:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_raw_table(path)


def _cells(table: RawTable) -> list[tuple[str, ...]]:
    return [tuple(row) for row in table.frame[list(NAMES)].to_numpy()]


def _quoted(mark: str) -> str:
    return "".join(",".join(f"{mark}{cell}{mark}" for cell in row) + "\n" for row in [NAMES, *ROWS])


def _numbered(separator: str, mark: str, numbers: list[int], first: str = "") -> str:
    lines = [
        first + separator.join(f"{mark}{name}{mark}" for name in NAMES),
        *(
            separator.join([f"{mark}{number}{mark}", f"{mark}{image}{mark}", age, f"{mark}{sex}{mark}"])
            for number, (image, age, sex) in zip(numbers, ROWS, strict=True)
        ),
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "name", "note"),
    [
        pytest.param(_text(";"), "t.csv", "separator ;", id="semicolons"),
        pytest.param(_text("\t"), "t.csv", "separator tab", id="tabs"),
        pytest.param(_text("|"), "t.CSV", "separator |", id="bars"),
        pytest.param(_text(), "t.tsv", "separator ,", id="commas in a .tsv"),
        pytest.param(_text(";"), "t.txt", "separator ;", id="any separator in a .txt"),
        pytest.param(_text(), "t", "separator ,", id="no ending"),
        pytest.param(_text(" "), "t.txt", "separator space", id="spaces"),
        pytest.param(_text("    ").replace("img", "   img"), "t.txt", "separator space", id="aligned"),
        pytest.param("sep=;\r\n" + _text(";"), "t.csv", "separator ;", id="Excel's line sep="),
        pytest.param(_text().replace("\n", "\r"), "t.csv", None, id="old line ends"),
        pytest.param(_text().replace("\n", "\r\n\r\n"), "t.csv", None, id="blank lines"),
        pytest.param("\n \n" + _text() + ",,\n", "t.csv", None, id="blank lines around"),
        pytest.param(_text().encode("utf-8-sig"), "t.csv", None, id="a mark of UTF-8"),
        pytest.param(_text("\t").encode("utf-16"), "t.txt", "separator tab, UTF-16", id="UTF-16"),
        pytest.param(_text().encode("utf-16-le"), "t.csv", "UTF-16", id="UTF-16 without a mark"),
        pytest.param(b"\xfe\xff" + _text().encode("utf-16-be"), "t.csv", "UTF-16", id="UTF-16, big end first"),
        pytest.param(_text().encode("utf-32"), "t.csv", "UTF-32", id="UTF-32"),
        pytest.param(_quoted('"'), "t.csv", None, id="all in quotes"),
        pytest.param(_quoted("'"), "t.csv", "' as quotes", id="single quotes"),
        pytest.param(_quoted('"').replace(",", ", "), "t.csv", None, id="spaces before quotes"),
        pytest.param(
            "".join(f'"{line}"\n' for line in _text().splitlines()), "t.csv", "each line quoted as a whole", id="lines"
        ),
        pytest.param(_text(rows=[(*row, "") for row in ROWS]), "t.csv", "separators at the end", id="trailing"),
        pytest.param(_text().replace("\n", ",\n"), "t.csv", "separators at the end", id="trailing in all lines"),
        pytest.param(_text().replace("sex\n", "sex,,\n"), "t.csv", None, id="trailing names"),
        pytest.param(_numbered(",", '"', [*range(1, 9)]), "t.csv", "row numbers in front", id="R's numbers"),
        pytest.param(_numbered("\t", '"', [3, 1, 8, 2, 9, 11, 7, 5]), "t.tsv", "row numbers", id="R, sorted otherwise"),
        pytest.param(_numbered(" ", "", [*range(1, 9)]), "t.txt", "separator space, row numbers", id="R, unquoted"),
        pytest.param(_numbered(",", '"', [*range(1, 9)], '"",'), "t.csv", None, id="R's write.csv"),
        pytest.param("sep=;\n" + _text(), "t.csv", None, id="a wrong line sep="),
        pytest.param("\ufeff\ufeff" + _text(), "t.csv", None, id="two marks of UTF-8"),
        pytest.param(_numbered(",", "", [*range(8)], ","), "t.csv", None, id="the index of pandas"),
        pytest.param("# by me, 2020\n# two\n" + _text(), "t.csv", "2 comment lines above", id="comments above"),
        pytest.param(_text() + "# the end\n", "t.csv", "1 comment line skipped", id="a comment below"),
        pytest.param("# " + _text(), "t.csv", "names in a comment line", id="names in a comment"),
        pytest.param(gzip.compress(_text().encode(), mtime=0), "t.csv.gz", None, id="gzip"),
        pytest.param(gzip.compress(_text("\t").encode(), mtime=0), "t.tsv.gz", None, id="gzip of a .tsv"),
        pytest.param(gzip.compress(_text(";").encode(), mtime=0), "t.csv", "separator ;", id="gzip under another name"),
    ],
)
def test_cells_come_under_their_names_and_guesses_are_noted(
    tmp_path: Path, content: bytes | str, name: str, note: str | None
) -> None:
    table = _read(tmp_path, content, name)
    assert _cells(table) == ROWS
    assert table.problems == ()
    assert [note in one for one in table.notes] == ([True] if note else []), table.notes


@pytest.mark.parametrize(
    ("name", "encoding"), [("männlich", "latin-1"), ("Größe à 5 €", "cp1252"), ("informações", "cp1252")]
)
def test_western_text_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    table = _read(tmp_path, _sex(name).encode(encoding))
    assert set(table.frame["sex"]) == {name}
    assert table.notes == ("read with Windows-1252 (not UTF-8)",)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("мужской", "cp1251"), ("м", "cp1251"), ("男", "gbk"), ("男性", "shift-jis"), ("männlich", "mac-roman"),
     ("männlich", "cp850")],
)  # fmt: skip
def test_text_of_other_code_pages_is_not_taken_for_western(tmp_path: Path, name: str, encoding: str) -> None:
    with pytest.raises(DataError, match="not text in UTF-8, UTF-16 or Windows-1252; save it again as UTF-8"):
        _read(tmp_path, _sex(name).encode(encoding))


@pytest.mark.parametrize(
    "cell", ["(25, 32)", "one\ntwo, three", 'the "best"', "it's", "#1", " leading", "00017", "é", "a;b;c"]
)
def test_odd_cells_stay_as_they_are(tmp_path: Path, cell: str) -> None:
    written = cell.replace('"', '""')
    assert _read(tmp_path, _sex(f'"{written}"')).frame["sex"].tolist() == [cell] * len(ROWS)


def _with_commas(names: str, *, trailing: str = "", age_first: bool = False) -> str:
    """Ages with decimal commas that nothing quotes."""
    rows = [
        [image, f"{20 + place},5", sex] for place, (image, _, sex) in zip((0, 2, 3, 5, 6, 8, 9, 10), ROWS, strict=True)
    ]
    lines = [",".join([row[1], row[0], row[2]] if age_first else row) for row in rows]
    return f"{names}\n" + "".join(f"{line}{trailing}\n" for line in lines)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_with_commas("image,age,sex"), id="plain"),
        pytest.param(_with_commas("image,age,sex,", trailing=","), id="separators at the end"),
        pytest.param(_with_commas("age,image,sex", age_first=True), id="like rising row numbers"),
    ],
)
def test_decimal_commas_without_quotes_shift_no_column(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="quote cells that contain it, such as decimal commas"):
        _read(tmp_path, content)


def test_a_longer_row_is_a_problem_if_a_column_without_a_name_would_take_a_cell(tmp_path: Path) -> None:
    table = _read(tmp_path, _text().replace("\n", ",\n") + "x.jpg,3,5,m,\n")
    assert _cells(table) == ROWS
    assert [str(problem) for problem in table.problems] == ["line 10: it has 5 cells for 4 columns"]


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 6)])
def test_two_quotes_that_take_in_the_rows_between_them_are_refused(tmp_path: Path, first: int, second: int) -> None:
    lines = _text().splitlines(keepends=True)
    for place in (first, second):
        before, _, cell = lines[place].rpartition(",")
        lines[place] = f'{before},"{cell}'
    with pytest.raises(DataError, match=f"a quote that opens in line {first + 1} swallows the rows below it"):
        _read(tmp_path, "".join(lines))


def test_a_row_of_too_many_or_too_few_cells_is_a_problem_with_its_line(tmp_path: Path) -> None:
    table = _read(tmp_path, _text() + "x.jpg,3\ny.jpg,1,2,m\nz.jpg\n")
    assert _cells(table) == ROWS
    assert [str(problem) for problem in table.problems] == [
        "line 10: it has 2 cells for 3 columns",
        "line 11: it has 4 cells for 3 columns",
        "line 12: it has 1 cell for 3 columns",
    ]
    with pytest.raises(DataError, match="line 10: it has 2 cells for 3 columns and 2 more lines"):
        read_table(tmp_path / "t.csv", NAMES)


@pytest.mark.parametrize("order", [("image", "age"), ("age", "image")])
def test_unquoted_decimal_commas_are_never_taken_for_row_numbers(tmp_path: Path, order: tuple[str, str]) -> None:
    cells = [{"image": image, "age": age.replace(".", ",")} for image, age, _ in reversed(ROWS)]
    rows = [tuple(row[name] for name in order) for row in cells]
    with pytest.raises(DataError, match=r"names 2 columns .* rows have 3 cells .* such as decimal commas"):
        _read(tmp_path, _text(rows=rows, names=order))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            _text(rows=ROWS[1:], names=ROWS[0]),
            r"first line looks like data.*: img/000.jpg, 20.0, f; add a line",
        ),
        ("".join(f"{place:06d} {place + 20} m\n" for place in range(5)), "first line looks like data.*: 000000, 20, m"),
        ("a.png,3\n", "first line looks like data"),
        (
            _text(";").replace(";", ",", 2),
            r"rows have 1 cell \(img/000.jpg;20.0;f\); .* comma between all",
        ),
        (_text() + '"x.jpg,3,m\ny.jpg,4,f\n', "a quote that opens in line 10 is never closed"),
        ('image,"age\n' + _text(), "a quote that opens in line 1 is never closed"),
        pytest.param("image,age\n" + "x" * 1_100_000, "line 2 has more than 1,000,000 characters", id="a long line"),
        pytest.param('image,age\n"' + "x" * 200_000, "line 2: field larger than .* not closed", id="a long cell"),
        ("", "it is empty; write a line with the column names"),
        (" \n\n", "it is empty"),
        (bytes(range(256)) * 9, "it holds binary data, not text"),
        (gzip.compress(_text().encode(), mtime=0)[:-9], "its gzip data is damaged or truncated"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "it is an Excel workbook; save its sheet as CSV"),
        (b"\x89PNG\r\n", "it is an image; give the folder"),
        (b"\x80\x04\x95ab", "it is a Python pickle, which could run code"),
        (b"MATLAB 5.0 MAT-file", "it is a MATLAB file; write its labels to a CSV"),
        (b"\n<!DOCTYPE html><html>", "it is a web page, not the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, not the file itself.*git lfs pull"),
        (b"PK\x03\x04 cut", "it is a damaged zip archive"),
    ],
    ids=lambda given: given if isinstance(given, str) and len(given) < 80 else "",
)
def test_other_files_than_tables_are_refused_with_advice(tmp_path: Path, content: bytes | str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        _read(tmp_path, content)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("[Content_Types].xml", "xl/workbook.xml"), "it is an Excel workbook; save its sheet as CSV"),
        (("archive/faces.zip", "train.csv"), r"it is a zip archive \(archive/faces.zip, train.csv\); unpack it, and"),
    ],
)
def test_archives_are_refused_by_their_content(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(DataError, match=said):
        _read(tmp_path, packed.getvalue())


def test_columns_of_one_name_are_distinguished(tmp_path: Path) -> None:
    same = _read(tmp_path, _text(rows=[(image, age, age) for image, age, _ in ROWS], names=("image", "age", "age")))
    assert (list(same.frame), same.repeated) == (["image", "age"], frozenset())
    other = _read(tmp_path, _text(names=("image", "age", "age")))
    assert (list(other.frame), other.repeated) == (["image", "age", "age.1"], frozenset({"age"}))


def test_empty_cells_behind_row_numbers_are_no_separators_at_the_end(tmp_path: Path) -> None:
    numbered = _numbered(",", '"', [*range(1, 9)]).replace('"m"', '""').replace('"f"', '""')
    assert _cells(_read(tmp_path, numbered)) == [(image, age, "") for image, age, _ in ROWS]


def test_two_columns_of_ages_are_a_question_for_a_person(tmp_path: Path) -> None:
    rows = [(image, age, "3") for image, age, _ in ROWS]
    for names in (("image", "age", "age"), ("file", "Age", "Age")):
        (tmp_path / "t.csv").write_text(_text(rows=rows, names=names))
        spec = DataSpec(name="it", format="table", path=str(tmp_path / "t.csv"))
        second = f"{names[1]}.1"
        with pytest.raises(DataError, match=f"age={names[1]} for the first, or age={second} for the second"):
            settled(spec)
        chosen, _ = settled(spec.model_copy(update={"columns": {"age": second}}))
        assert chosen.columns["age"] == second


def test_a_first_line_with_a_named_column_holds_names(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("face.jpg,2020\na,3\n")
    table = read_raw_table(tmp_path / "t.csv", ["face.jpg", "2020"])
    assert table.frame.to_dict("records") == [{"face.jpg": "a", "2020": "3"}]


def test_no_message_prints_a_cell_at_length(tmp_path: Path) -> None:
    names = ",".join(f"c{place}" + "x" * 5000 for place in range(500))
    for content, needed in ((f"{names}\n", ["image"]), ("a,b\n" + "y" * 9000 + ",2,3\n", []), (names + ".jpg\n", [])):
        (tmp_path / "t.csv").write_text(content)
        with pytest.raises(DataError) as caught:
            read_table(tmp_path / "t.csv", needed)
        assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_are_known_before_a_run_whatever_parts_them(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    for content in (_text(separator).encode("utf-16"), gzip.compress(_text(separator).encode(), mtime=0)):
        path.write_bytes(content)
        spec = DataSpec(name="it", format="table", path=str(path))
        assert known_data(spec, "apparent", tmp_path).columns == NAMES
