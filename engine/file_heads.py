"""Recognises stand-ins for files by their first bytes: pointers of version control, web pages and archives."""

import re
from typing import Final

HEAD_BYTES: Final = 512
_POINTERS: Final = (
    (re.compile(rb"version https://(git-lfs|hawser)\."), "Git LFS", "git lfs pull"),
    (re.compile(rb"#? ?xet version"), "Git Xet", "git xet checkout, or git lfs pull"),
    (re.compile(rb"\S*/?annex/objects/"), "git-annex", "git annex get FILE"),
    (re.compile(rb"(outs:|md5:)"), "DVC", "dvc pull"),
)
_WEB_PAGE: Final = re.compile(rb"(<!--.*?-->\s*)*<(!doctype|html|head|body|\?xml|error|script|meta)\b", re.I | re.S)
_ARCHIVES: Final = (
    (0, b"\x1f\x8b", "a gzip archive", "gunzip"),
    (0, b"BZh", "a bzip2 archive", "bunzip2"),
    (0, b"\xfd7zXZ", "an xz archive", "unxz"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unzstd"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", "7z x"),
    (0, b"Rar!", "a RAR archive", "unrar x"),
    (257, b"ustar", "a tar archive", "tar -xf"),
)


def text_of(head: bytes) -> bytes:
    """The first bytes of a text, without byte order mark and leading white space."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def stand_in(head: bytes) -> str | None:
    """A description of a pointer or web page, and how to get the file itself; None for other files."""
    text = text_of(head[:HEAD_BYTES])
    for pattern, system, command in _POINTERS:
        if pattern.match(text):
            return f"a pointer of {system}, not the file itself; fetch the file with: {command}"
    if _WEB_PAGE.match(text):
        return "a web page, not the file itself; download the file again, and sign in or confirm if the site asks"
    return None


def archive_in(head: bytes) -> tuple[str, str] | None:
    """The kind of an archive other than zip, and the command that unpacks it; None for other files."""
    for at, magic, kind, command in _ARCHIVES:
        if head[at:].startswith(magic):
            return kind, command
    return None
