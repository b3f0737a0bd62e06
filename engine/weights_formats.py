"""Recognises the formats of weights files by their first bytes, with advice on unreadable files."""

import contextlib
import io
import re
import zipfile
from pathlib import Path
from typing import Final

from engine.bounded_files import other_kind
from engine.file_heads import archive_in, stand_in, text_of
from engine.short_text import FEW, short_list

DAMAGED: Final = "it is damaged, truncated, or of another format; download or copy it again"
_SHOWN_CHARACTERS: Final = 30
_TEXT_PICKLE: Final = re.compile(rb"(\(dp|\(lp|\(dS|ccollections\n|cnumpy|c__builtin__|ccopy_reg)")
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")

_OTHER_PROGRAMS: Final = (
    (0, b"\x89HDF\r\n\x1a\n", "a Keras or HDF5 file"),
    (4, b"TFL3", "a TensorFlow Lite file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"SQLite format 3", "an SQLite database"),
)
_ONNX: Final = re.compile(rb"\x08[\x01-\x1f](\x12|\x1a|\x3a|\x22)")
_SAVE_TENSORS: Final = "where the model was trained, save its tensors: torch.save(model.state_dict(), FILE)"
_USE_PYTORCH: Final = "ageui reads only PyTorch tensors; choose PyTorch weights of the network, or --init pretrained"


def refuse_head(head: bytes) -> None:
    """Raises `ValueError` for a file without readable weights, judged by its first 512 bytes, and names its kind."""
    if not head:
        raise ValueError("it is empty (0 bytes); download or copy it again")
    _refuse_text(head)
    if (archive := archive_in(head)) is not None:
        raise ValueError(f"it is {archive[0]}; unpack it ({archive[1]} FILE) and give the weights file inside")
    for at, magic, kind in _OTHER_PROGRAMS:
        if head[at:].startswith(magic):
            raise ValueError(f"it is {kind}; {_USE_PYTORCH}")
    if _ONNX.match(head) and (b"pytorch" in head or b"onnx" in head.lower() or b"graph" in head or b"." in head[2:24]):
        raise ValueError(f"it is an ONNX model, a program and not a set of named tensors; {_SAVE_TENSORS}")
    if not (is_safetensors(head) or head.startswith((b"PK", b"\x80"))):
        raise ValueError(DAMAGED)


def is_safetensors(head: bytes) -> bool:
    """Whether the first bytes of a file are those of safetensors."""
    return head[8:9] == b"{"


def refuse_archive(content: bytes) -> None:
    """Raises `ValueError` for a zip archive that `torch.save` did not write, or that expands when read."""
    if not content.startswith(b"PK"):
        return
    entries: list[zipfile.ZipInfo] | None = None
    with contextlib.suppress(zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    if entries is None:
        raise ValueError("it is truncated or damaged; download or copy it again")
    names = [entry.filename for entry in entries]
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        raise ValueError(f"it is a TorchScript archive, a program and not a set of named tensors; {_SAVE_TENSORS}")
    if "model.weights.h5" in names:
        raise ValueError(f"it is a Keras model; {_USE_PYTORCH}")
    if names and all(name.endswith(".npy") for name in names):
        raise ValueError(f"it is an archive of NumPy arrays; {_USE_PYTORCH}")
    if not any(name.endswith("data.pkl") for name in names):
        raise ValueError(
            f"it is a zip archive of {short_list(map(repr, names), FEW) or 'nothing'}; unpack it (unzip FILE) and give "
            "the weights file inside"
        )
    if sum(entry.file_size for entry in entries) > len(content):
        raise ValueError("it is compressed; save it again with torch.save")


def folder_problem(path: Path) -> str | None:
    """Advice on a folder in place of a weights file; None for other files."""
    if other_kind(path) != "a folder":
        return None
    try:
        inside = sorted(entry.name for entry in path.iterdir())
    except OSError:
        inside = []
    if "data.pkl" in inside:
        return (
            "it is the folder of an unpacked PyTorch file; download the file again without unpacking it, or pack it: "
            "zip -0 -r FILE.pth FOLDER"
        )
    weights = [name for name in inside if name.endswith((".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"))]
    if not weights:
        return f"it is a folder with {short_list(map(repr, inside), FEW) or 'nothing'} inside; give a weights file"
    return f"it is a folder; give the weights file inside: {short_list(map(repr, weights), FEW)}"


def _refuse_text(head: bytes) -> None:
    head = text_of(head)
    if (kind := stand_in(head)) is not None:
        raise ValueError(f"it is {kind}")
    if _TEXT_PICKLE.match(head):
        raise ValueError("it is a pickle that torch.save did not write; save its tensors with torch.save")
    text = _decoded(head)
    if text is not None and not is_safetensors(head):
        begin = text[:_SHOWN_CHARACTERS].strip().partition("\n")[0]
        raise ValueError(f"it is text that begins with {begin!r}, not weights; download the file again")


def _decoded(head: bytes) -> str | None:
    """The text at the beginning of a file; None if it is not text. The last character may be truncated."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    for end in range(4):
        try:
            text = head[: len(head) - end].decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _NOT_TEXT.search(text) else text
    return None
