"""Detects the encoding of a text file. Needs no pandas."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TITLES: Final = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-16": "UTF-16", "utf-32": "UTF-32"}
WESTERN: Final = "cp1252"
_SAMPLE: Final = 4096
_PART: Final = 1 << 20
# Bytes without a letter in Windows-1252, or with letters in text of DOS, old Macs, and in Cyrillic or Chinese.
_NOT_WESTERN: Final = re.compile(
    rb"[\x80-\xff]{3}|[\x81-\x84\x86-\x90\x98\x9a-\x9f]|(?<=[A-Za-z])[\x80-\x9f](?=[A-Za-z])"
    rb"|(?<![A-Za-z0-9\x80-\xff])[\x80-\xff]{2}(?![A-Za-z0-9\x80-\xff])"
    rb"|(?:^|(?<=[,;|\t\r\n\"]))[\x80-\xff](?=[,;|\t\r\n\"]|$)"
)


def encoding_of(content: bytes, *, whole: bool = True) -> str:
    """UTF-8, UTF-16, UTF-32 or Windows-1252, as named by Python, judged by the byte order mark, else by the bytes.

    If `whole` is False, the content may end within a character. Raises `ValueError` for other content.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if (wide := _wide(content[:_SAMPLE])) is not None:
        return wide
    if b"\0" in content:
        raise ValueError("it holds binary data, not text")
    if _is_utf8(content, whole):
        return "utf-8"
    if _NOT_WESTERN.search(content) is None:
        return WESTERN
    raise ValueError("it is not text in UTF-8, UTF-16 or Windows-1252; save it again as UTF-8")


def title_of(encoding: str) -> str | None:
    """The encoding's name for people; None for UTF-8, which goes without saying."""
    return "Windows-1252 (not UTF-8)" if encoding == WESTERN else _TITLES.get(encoding)


def _wide(sample: bytes) -> str | None:
    """Detects UTF-16 without a mark: names and separators are ASCII, so every other byte is mostly zero."""
    first, second = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if second * 3 >= half > 0 and first * 10 <= second:
        return "utf-16-le"
    if first * 3 >= half > 0 and second * 10 <= first:
        return "utf-16-be"
    return None


def _is_utf8(content: bytes, whole: bool) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _PART):
            decoder.decode(content[start : start + _PART])
        decoder.decode(b"", final=whole)
    except UnicodeDecodeError:
        return False
    return True
