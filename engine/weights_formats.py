"""The formats of weights files: files of torch are read as tensors only, and problems get messages of our own.

torch's messages advise running the code in the file.
"""

import io
import re
import warnings
import zipfile
from typing import Any, Final

import torch

_REFUSED_OBJECT: Final = re.compile(r"(?:GLOBAL|global|class) ([A-Za-z_][\w.]*\.\w+)")
_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e]{4,}")
_LFS_POINTER: Final = b"version https://git-lfs"
_SHOWN: Final = 30
_PICKLE_HEADS: Final = (b"PK", b"\x80")
_DAMAGED: Final = "it is damaged, cut short, or of another format"


def load_tensors(content: bytes) -> Any:
    """The content of a file of `torch.save`, on the CPU. Raises `ValueError` with the problem and what to do."""
    try:
        _refuse_expansion(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except ValueError:
        raise
    except Exception as error:  # a pickle that is damaged or malicious can fail in any way
        found = _REFUSED_OBJECT.search(str(error))
    if found is not None:
        raise ValueError(
            f"it holds Python objects ({found[1]}), which could run code when read; where you trust it, save its "
            "tensors alone: torch.save(model.state_dict(), FILE)"
        )
    raise ValueError(_DAMAGED)


def refuse_pickle_head(head: bytes) -> None:
    """Raises `ValueError` for the first bytes of a file that `torch.save` did not write."""
    _refuse_text(head)
    if not head.startswith(_PICKLE_HEADS):
        raise ValueError(_DAMAGED)


def refuse_safetensors_head(head: bytes) -> None:
    """Raises `ValueError` for the first bytes of a file in another format."""
    _refuse_text(head)
    if head[8:9] != b"{":
        raise ValueError(_DAMAGED)


def _refuse_text(head: bytes) -> None:
    if head.startswith(_LFS_POINTER):
        raise ValueError("it is a pointer of Git LFS; fetch the file itself: git lfs pull")
    if _TEXT.fullmatch(head):
        begin = head[:_SHOWN].decode().strip().partition("\n")[0]
        raise ValueError(f"it is text that begins with {begin!r}; download the file again")


def _refuse_expansion(content: bytes) -> None:
    """Raises `ValueError` for a compressed archive: torch compresses nothing."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > len(content):
            raise ValueError("it is compressed, and would expand while it is read; save it again with torch.save")
