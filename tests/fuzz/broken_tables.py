"""Label tables as people and programs write them, odd and damaged."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from random import Random

import pandas as pd
from broken_bytes import damaged

Rows = list[dict[str, object]]

ENDINGS = (
    ".csv", ".csv", ".tsv", ".tab", ".txt", ".csv.gz", ".tsv.gz", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx",
    ".CSV",
)  # fmt: skip
ODD_NAMES = (
    "", ".", "..", "../..", "/", "//", "img", "img/", "img/.", "img/../img/0.jpg", "./img/0.jpg", "img\\1.jpg",
    "img/0.JPG", "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem", "~/0.jpg", "C:\\faces\\0.jpg",
    "file:///0.jpg", "pipe", "loop", "link", "img/0.jpg ", "img/0.jpg\0", "img/\x1b[2J0.jpg", "img/\u202egpj.0",
    "img/e\u0301.jpg", "img/\udcff.jpg", "a" * 300, "a/" * 3000, "=cmd()", "'=1", "https://example.org/0.jpg", "\n",
    "\r\n", "img/0.jpg\nimg/1.jpg", "%s{0}[/]",
)  # fmt: skip
ODD_CELLS = (
    *ODD_NAMES, "nan", "NaN", "NA", "inf", "-inf", "1e999", "-1", "0", "-0", "0.5", "120", "121", "1_6", "0x10",
    "1e1", "٣٣", "３０", "²", "20-29", "(25, 32)", "more than 70", "60+", "3,5", "1.234,5", "twenty", "None", "null",
    "true", "30 years", "train", "TRAIN", "valid", "dev", "testing", "fold_1", "7", "1" * 400, "9" * 5000, "male",
    "Male ", '"', "'", ",", ";", "\t", "\x07", "\x1b]0;title\x07", "😀", "\ufeff", "\u2028",
)  # fmt: skip
ENCODINGS = (
    "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "cp037",
)  # fmt: skip
COLUMNS = ("image", "age", "gender", "ethnicity", "real_age", "age_std", "split", "subject")
ODD_COLUMNS = (
    "Image", "file", "path", "filename", "AGE", "Age ", "years", "", " ", "Unnamed: 0", "image", "age", "image.1",
    "fold", "bbox", "race", "sex", "\x1b[31mred", "x" * 2000, "\ufeffimage", '"age"', "img_name", "label", "0",
    "columns", "pixel",
)  # fmt: skip


def _rows(random: Random) -> Rows:
    return [
        {
            "image": f"img/{number}.jpg",
            "age": f"{random.uniform(1, 80):.1f}",
            "gender": random.choice(("male", "female")),
            "ethnicity": random.choice(("asian", "caucasian")),
            "real_age": random.randrange(1, 80),
            "age_std": "3.2",
            "split": random.choice(("train", "train", "valid", "test")),
            "subject": f"s{number % 4}",
        }
        for number in range(8)
    ]


def _chosen_columns(random: Random) -> list[str]:
    columns = ["image", "age", *random.sample(COLUMNS[2:], random.randrange(len(COLUMNS) - 1))]
    for _ in range(random.choice((0, 0, 1, 2))):
        place = random.randrange(len(columns) + 1)
        columns[place : place + random.choice((0, 1))] = [random.choice(ODD_COLUMNS)]
    return columns


def _with_odd_cells(random: Random, rows: Rows, columns: Sequence[str]) -> list[list[object]]:
    table: list[list[object]] = [[row.get(column, "x") for column in columns] for row in rows]
    if not columns:
        return table
    for _ in range(random.choice((0, 1, 1, 2, 5, 30))):
        random.choice(table)[random.randrange(len(columns))] = random.choice(ODD_CELLS)
    if random.random() < 0.2:
        place, cell = random.randrange(len(columns)), random.choice(ODD_CELLS)
        for record in table:
            record[place] = cell
    return table


def _as_text(random: Random, columns: Sequence[str], table: list[list[object]]) -> bytes:
    stream = io.StringIO()
    separator = random.choice((",", ",", ",", ";", "\t", "|", " ", ":", "\x01"))
    quoting = random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC))
    writer = csv.writer(
        stream, delimiter=separator, quoting=quoting, lineterminator=random.choice(("\n", "\r\n", "\r"))
    )
    numbered, trailing = random.random() < 0.1, random.random() < 0.1
    if random.random() < 0.1:
        stream.write(random.choice(("# made by hand\n", "\n\n", "sep=;\n", "%\n", "\0\n", "a title\n")))
    if random.random() < 0.93:
        writer.writerow(columns)
    for number, record in enumerate(table):
        cells = [str(number)] * numbered + [str(cell) for cell in record] + [""] * trailing
        if random.random() < 0.03:
            cells = cells[: random.randrange(len(cells) + 1)] + [str(cell) for cell in ODD_CELLS[: random.randrange(3)]]
        writer.writerow(cells)
    text = stream.getvalue()
    if random.random() < 0.1:
        text = text.replace('"', random.choice(("'", "“", '"""', "")))
    encoding = random.choice(ENCODINGS)
    errors = random.choice(("replace", "surrogatepass" if encoding.startswith("utf") else "ignore"))
    return text.encode(encoding, errors)


def _as_json(random: Random, columns: Sequence[str], table: list[list[object]]) -> bytes:
    records: list[object] = [dict(zip(columns, record, strict=True)) for record in table]
    if random.random() < 0.3:
        odd = (None, [], {}, 7, "x", {"image": {"a": [1]}}, {"age": 10**400}, {"age": True}, {1: 2}, float("nan"), [[]])
        records[random.randrange(len(records))] = random.choice(odd)
    shape = random.randrange(7)
    if shape < 3:
        text = "\n".join(json.dumps(record) for record in records)
    elif shape == 3:
        text = json.dumps(records)
    elif shape == 4:
        text = json.dumps({column: [row[place] for row in table] for place, column in enumerate(columns)})
    elif shape == 5:
        text = json.dumps({"data": records, "version": 1})
    else:
        text = random.choice(("[" * 5_000, '{"a":' * 5_000, "null", "1e400", '"' + "x" * 100_000, "[1,2", "{}", "[]"))
    return text.encode(random.choice(("utf-8", "utf-8-sig", "utf-16")))


def _as_parquet(random: Random, columns: Sequence[str], table: list[list[object]]) -> bytes:
    names = [name if columns.index(name) == place else f"{name}.{place}" for place, name in enumerate(columns)]
    text = [[str(cell).encode("utf-8", "replace").decode() for cell in record] for record in table]
    frame = pd.DataFrame(text, columns=names)
    change = random.randrange(8)
    if "age" in frame and change < 2:
        frame["age"] = pd.to_numeric(frame["age"], errors="coerce").astype(random.choice(("float32", "float64")))
    if "image" in frame and change in (2, 3):
        content = random.choice((b"", b"\xff\xd8\xff", None, bytes(5000)))
        frame["image"] = [{"bytes": content, "path": random.choice((name, None, ""))} for name in frame["image"]]
    if "image" in frame and change == 4:
        frame["image"] = [random.randbytes(20) for _ in range(len(frame))]
    if change == 5:
        frame[names[-1]] = [random.choice(([1, 2], [], None, [3])) for _ in range(len(frame))]
    if change == 6:
        frame[names[-1]] = pd.date_range("1700-01-01", periods=len(frame))
    stream = io.BytesIO()
    try:
        frame.to_parquet(
            stream, index=random.random() < 0.2, compression=random.choice(("snappy", "gzip", "zstd", None))
        )
    except Exception:  # pyarrow refuses some of this: then it is another broken file
        return b"PAR1" + random.randbytes(50) + b"PAR1"
    return stream.getvalue()


def broken_table(random: Random) -> tuple[str, bytes]:
    """An ending and the content of a table."""
    ending = random.choice(ENDINGS)
    columns = _chosen_columns(random)
    table = _with_odd_cells(random, _rows(random), columns)
    if random.random() < 0.05:
        table = random.choice(([], table[:1], table * 3))
    chance = random.random()
    if ending == ".parquet" and chance < 0.9:
        content = _as_parquet(random, columns, table)
    elif ending in (".json", ".jsonl", ".ndjson") and chance < 0.9 and table:
        content = _as_json(random, columns, table)
    elif ending == ".xlsx":
        content = random.choice((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) + random.randbytes(200)
    else:
        content = _as_text(random, columns, table)
    if random.random() < 0.4 and content:
        content = damaged(random, content)
    if ending.endswith(".gz") and random.random() < 0.8:
        content = gzip.compress(content, mtime=0)
        if random.random() < 0.4:
            content = damaged(random, content)
    return ending, content


def odd_options(random: Random) -> list[str]:
    """Options of `data add`, few of which fit."""
    choices = (
        ["--skip-bad"],
        ["--skip-bad"],
        ["--columns", f"{random.choice(COLUMNS)}={random.choice((*COLUMNS, *ODD_COLUMNS))}"],
        ["--columns", f"image={random.choice(COLUMNS)},age={random.choice(COLUMNS)}"],
        ["--columns", random.choice(("", "=", "image", "a=b,a=c", "image=\x1b[2J", "x" * 5000 + "=y"))],
        ["--fractions", random.choice(("1,0,0", "0.5,0.5", "nan,0,0", "inf,-inf,1", "1e400,0,0", "0.7,0.15,0.15"))],
        ["--target", random.choice(("real", "apparent", "both"))],
        ["--format", random.choice(("table", "course", "appa_real", "utkface", "synthetic", "\x07"))],
        ["--ignore", random.choice(("ignored.txt", "gone.txt", "img", "pipe", "loop"))],
        ["--json"],
    )
    return [part for _ in range(random.choice((0, 0, 1, 1, 2))) for part in random.choice(choices)]
