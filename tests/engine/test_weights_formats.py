"""Weights files that torch refuses are refused in our own words, and before they expand."""

import io
import pickle
import zipfile
from collections.abc import Callable

import pytest
import torch
from torch import nn

from engine.weights_formats import load_tensors, refuse_pickle_head, refuse_safetensors_head


def _saved(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def _compressed() -> bytes:
    """A state whose 40 bytes of data claim, in a small archive, to be 8 MB."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_saved({"a": torch.arange(10.0)}))) as whole,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in whole.infolist():
            small.writestr(entry.filename, bytes(8_000_000) if entry.filename.endswith("data/0") else whole.read(entry))
    return stream.getvalue()


OBJECT = _saved(nn.Linear(2, 2))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OBJECT, r"it holds Python objects \(torch\.nn\.modules\.linear\.Linear\).*save its tensors alone"),
        (_compressed(), "it is compressed, and would expand"),
        (OBJECT[:400], "it is damaged, cut short, or of another format"),
        (pickle.dumps({"a": print}), "it holds Python objects|it is damaged"),
        (b"", "it is damaged"),
        (b"\x80", "it is damaged"),
    ],
    ids=["object", "compressed", "cut", "function", "empty", "one byte"],
)
def test_torchs_advice_to_run_what_a_file_holds_is_never_repeated(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        load_tensors(content)
    assert "weights_only" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("refuse_head", [refuse_pickle_head, refuse_safetensors_head])
@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "it is text that begins with '<!DOCTYPE html>'"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a pointer of Git LFS; .*: git lfs pull"),
        (bytes(64), "it is damaged, cut short, or of another format"),
    ],
    ids=["page", "pointer", "zeros"],
)
def test_a_file_of_another_kind_is_refused_by_its_first_bytes(
    refuse_head: Callable[[bytes], None], head: bytes, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        refuse_head(head)
