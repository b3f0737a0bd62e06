"""Recognises files by their first bytes, and advises on those that are not tables. Needs no pandas."""

import re
import zipfile
from typing import BinaryIO, Final

from engine.file_heads import archive_in, stand_in, text_of
from engine.short_text import short_list

HEAD_BYTES: Final = 1024
PARQUET: Final = b"PAR1"
GZIP: Final = b"\x1f\x8b"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_JSON: Final = re.compile(r'\s*(\{\s*"|\[\s*[{\[\]"])')
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
_UNPACK: Final = "unpack it, and archives inside it, then add the folder or table"
_TO_CSV: Final = "save its sheet as CSV (in UTF-8), then add that file"
_KINDS: Final = (
    (b"\xd0\xcf\x11\xe0", f"it is an Excel workbook; {_TO_CSV}"),
    (b"%PDF", "it is a PDF document; save its table as CSV"),
    (b"MATLAB ", "it is a MATLAB file; write its labels to a CSV, with scipy.io.loadmat or MATLAB's writetable"),
    (b"\x89HDF", "it is an HDF5 file; write its labels to a CSV, for example with h5py and pandas"),
    (b"\x93NUMPY", "it is a NumPy array; write its labels to a CSV, for example with pandas"),
    (b"ARROW1", "it is a Feather file; convert it with pandas.read_feather(…).to_parquet(…)"),
    (b"FEA1", "it is a Feather file; convert it with pandas.read_feather(…).to_parquet(…)"),
    (b"ORC", "it is an ORC file; convert it with pandas.read_orc(…).to_parquet(…)"),
    (b"SQLite format 3", "it is an SQLite database; export its table as CSV"),
    (b"$FL2", "it is an SPSS file; save its table as CSV"),
)


def is_picture(head: bytes) -> bool:
    """Whether the bytes begin like an image file."""
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:8] == b"ftyp"


def is_json(head: str) -> bool:
    """Whether the text begins like a JSON list or object."""
    return _JSON.match(head.removeprefix("\ufeff")) is not None


def why_no_table(head: bytes) -> str | None:
    """The kind of a file with this beginning, and what to do; None if it may be a text table."""
    for magic, reason in _KINDS:
        if head.startswith(magic):
            return reason
    if (archive := archive_in(head)) is not None:
        return f"it is {archive[0]}; {_UNPACK}"
    if is_picture(head):
        return "it is an image; give the folder of images, or the table that names them"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return (
            "it is a Python pickle, which could run code when read; convert it where you trust it: "
            "pandas.read_pickle(…).to_csv(…)"
        )
    if text_of(head).lower().startswith((b"<?xml", b"{\\rtf")):
        return "it is a document, not a table; save its table as CSV"
    kind = stand_in(head)
    return None if kind is None else f"it is {kind}"


def why_no_zip_table(file: BinaryIO) -> str:
    """The kind of a file that begins like a zip archive, and what to do. Moves the file's position."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return "it is a damaged zip archive; download or copy it again"
    if "[Content_Types].xml" in names or "content.xml" in names or "Index/Document.iwa" in names:
        kind = "an Excel workbook" if any(name.startswith("xl/") for name in names) else "an office document"
        return f"it is {kind}; {_TO_CSV}"
    inner = [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
    return f"it is a zip archive ({short_list(inner, 3)}); {_UNPACK}"
