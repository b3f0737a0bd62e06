"""Weights files of other kinds are named by their first bytes, with what to do, and before they are read whole."""

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from engine.weights_formats import folder_problem, refuse_archive, refuse_head


def _zip(compression: int = zipfile.ZIP_STORED, **entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("w.pth"), io.BytesIO())
    return stream.getvalue()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", r"it is empty \(0 bytes\)"),
        (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "it is a web page, .*download the file again"),
        (b"\xef\xbb\xbf\r\n <HTML>", "it is a web page"),
        ("<!-- saved -->\n<html><title>\u6587\u4ef6".encode()[:-1], "it is a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied', "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a pointer of Git LFS, .*: git lfs pull"),
        (b"/annex/objects/SHA256E-s4--00.pth\n", "a pointer of git-annex, .*: git annex get"),
        (b"outs:\n- md5: 00\n  path: w.pth\n", "a pointer of DVC, .*: dvc pull"),
        (b'{"error": "denied"}', 'it is text that begins with \'{"error": "denied"}\''),
        ("d\u00e9j\u00e0 vu".encode("utf-16"), "it is text that begins with"),
        (b"(dp0\nS'conv1.weight'\n", "a pickle that torch.save did not write"),
        (b"\x1f\x8b\x08\x00", "a gzip archive; unpack it"),
        (_tar()[:512], r"a tar archive; unpack it \(tar -xf FILE\)"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "a Keras or HDF5 file; .*PyTorch"),
        (b"\x08\x07\x12\x07pytorch\x1a\x051.9.0:\x80", "an ONNX model"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (bytes(64), "it is damaged, truncated, or of another format"),
        (b"\xff" * 100, "it is damaged"),
    ],
)
def test_a_file_of_another_kind_is_named(head: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        refuse_head(head)


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x80\x02\x8a\nl", b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"'])
def test_files_of_torch_and_safetensors_are_not_refused(head: bytes) -> None:
    refuse_head(head)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_zip(a__code__x=b"", a__data_dot_pkl=b""), "a TorchScript archive"),
        (_zip(a__constants_dot_pkl=b"", a__data_dot_pkl=b""), "a TorchScript archive"),
        (_zip(metadata_dot_json=b"", model_dot_weights_dot_h5=b""), "a Keras model"),
        (_zip(a_dot_npy=b""), "an archive of NumPy arrays"),
        (_zip(w_dot_pth=b"x"), "a zip archive of 'w.pth'; unpack it"),
        (_zip(zipfile.ZIP_DEFLATED, a__data_dot_pkl=bytes(10_000)), "it is compressed; save it again"),
        (_zip(a__data_dot_pkl=bytes(99))[:60], "it is truncated or damaged"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_an_archive_that_torch_save_did_not_write_is_named(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        refuse_archive(content)


def test_an_archive_of_torch_save_is_not_refused() -> None:
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, stream)
    refuse_archive(stream.getvalue())


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (["w.pth", "notes.txt"], "give the weights file inside: 'w.pth'"),
        (["data.pkl", "version"], "the folder of an unpacked PyTorch file; .* zip -0 -r"),
        (["notes.txt"], "a folder with 'notes.txt' inside; give a weights file"),
        ([], "a folder with nothing inside"),
    ],
)
def test_a_folder_is_named_with_the_weights_in_it(tmp_path: Path, inside: list[str], said: str) -> None:
    for name in inside:
        (tmp_path / name).touch()
    assert re.search(said, folder_problem(tmp_path) or "")
    assert folder_problem(tmp_path / "w.pth") is None
