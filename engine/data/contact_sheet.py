"""Contact sheets: a picture of faces of a split or group, spread evenly over age, with their labels."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.choices import SPLITS
from engine.counted import counted
from engine.data.decode import to_square
from engine.data.manifest import Manifest
from engine.data.report import RowProblem
from engine.data.spec import RANGE_COLUMNS
from engine.data.threads import in_threads
from engine.errors import ConfigError, DataError
from engine.groups import group_codes

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FACE: Final = 128
MOST_FACES: Final = 400
_MARGIN, _GAP, _LINE = 12, 8, 14
_CAPTION = 2 * _LINE + 4
_PAPER, _INK, _FAINT = (250, 250, 247), (29, 35, 41), (110, 116, 122)


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """`picture` is RGB. It shows `images`, of `total` in the split and group; `unreadable` images stay blank."""

    picture: Image.Image
    images: tuple[str, ...]
    total: int
    unreadable: tuple[RowProblem, ...]


def draw_sheet(
    manifest: Manifest, *, split: str | None = None, group: tuple[str, str] | None = None, count: int = 48
) -> ContactSheet:
    """Draws faces evenly spread over age, youngest first. The same data gives the same faces.

    Parameters
    ----------
    manifest
        The data set's rows.
    split
        Split to draw from; None for all.
    group
        Group to draw from, `(attribute, name)`; None for all images.
    count
        The largest number of faces. Unlabelled images are drawn only if no image is labelled, in their order.

    Raises
    ------
    ConfigError
        If the split or group is unknown, or the count out of range.
    DataError
        If no image is left.
    """
    if not 1 <= count <= MOST_FACES:
        raise ConfigError(f"{count} faces requested, but a sheet holds 1 to {MOST_FACES}; choose another number")
    frame = _members(manifest.frame, split, group)
    what = " · ".join([manifest.name, split or "all splits", *(["=".join(group)] if group else [])])
    if frame.empty:
        raise DataError(f"{what}: no images; choose another split or group")
    chosen = _spread(frame, count)
    faces = dict(zip(chosen["image"], in_threads(_reader(manifest), list(chosen["image"])), strict=True))
    unreadable = tuple(RowProblem(image, face) for image, face in faces.items() if isinstance(face, str))
    title = f"{what} · {len(chosen):,} of {counted(len(frame), 'face')}"
    captions = [_caption(row, manifest.attributes) for row in chosen.to_dict("records")]
    picture = _drawn(list(faces.values()), captions, title)
    return ContactSheet(picture, tuple(faces), len(frame), unreadable)


def _members(frame: pd.DataFrame, split: str | None, group: tuple[str, str] | None) -> pd.DataFrame:
    if split is not None:
        if split not in SPLITS:
            raise ConfigError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
        frame = frame[frame["split"] == split]
    if group is None or frame.empty:
        return frame
    attribute, name = group
    codes, names = group_codes(frame, attribute)
    if name not in names:
        raise ConfigError(f"{attribute} has no group {name!r}; it has {', '.join(names) or 'none'}")
    return frame.iloc[np.flatnonzero(codes == names.index(name))]


def _spread(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    """`count` rows at even steps from youngest to oldest; unlabelled rows only if no row is labelled."""
    labelled = frame[frame["age"].notna()]
    ordered = frame if labelled.empty else labelled.sort_values(["age", "image"], kind="stable")
    places = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(np.int64))
    return ordered.iloc[places]


def _reader(manifest: Manifest) -> Callable[[str], NDArray[np.uint8] | str]:
    """The pixels of an image, or its problem."""

    def read(image: str) -> NDArray[np.uint8] | str:
        try:
            return to_square(Image.fromarray(manifest.read(image)), FACE)
        except DataError as error:
            return str(error)

    return read


def _caption(row: Mapping[Any, Any], attributes: Sequence[str]) -> list[str]:
    age, low, high = row["age"], *(row.get(name, math.nan) for name in RANGE_COLUMNS)
    given = "" if pd.isna(low) else f" ({low:g} and over)" if pd.isna(high) else f" ({low:g}-{high:g})"
    known = [str(row[name]) for name in attributes if pd.notna(row[name])]
    return ["no label" if pd.isna(age) else f"{age:.1f} years{given}", *known]


def _drawn(faces: Sequence[NDArray[np.uint8] | str], captions: Sequence[Sequence[str]], title: str) -> Image.Image:
    """The faces in rows, about three wide to two high."""
    columns = max(1, min(len(faces), math.ceil(math.sqrt(len(faces) * 1.5 * (FACE + _CAPTION) / FACE))))
    rows = math.ceil(len(faces) / columns)
    width = 2 * _MARGIN + columns * (FACE + _GAP) - _GAP
    top = 2 * _MARGIN + _LINE
    height = top + rows * (FACE + _CAPTION + _GAP) - _GAP + _MARGIN
    picture = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(14), ImageFont.load_default(11)
    draw.text((_MARGIN, _MARGIN), _fitted(title, large, width - 2 * _MARGIN), _INK, font=large)
    for place, (face, caption) in enumerate(zip(faces, captions, strict=True)):
        row, column = divmod(place, columns)
        left, above = _MARGIN + column * (FACE + _GAP), top + row * (FACE + _CAPTION + _GAP)
        if isinstance(face, str):
            draw.rectangle((left, above, left + FACE - 1, above + FACE - 1), outline=_FAINT)
            draw.text((left + 8, above + FACE // 2 - 6), "cannot be read", _FAINT, font=small)
        else:
            picture.paste(Image.fromarray(face), (left, above))
        for number, line in enumerate(_lines(caption, small)):
            draw.text((left, above + FACE + 2 + number * _LINE), line, _INK if number == 0 else _FAINT, font=small)
    return picture


def _lines(parts: Sequence[str], font: Font) -> list[str]:
    """The parts on two lines as wide as a face: as many as fit on the first, the others on the second."""
    first, rest = parts[0], list(parts[1:])
    while rest and font.getlength(f"{first} · {rest[0]}") <= FACE:
        first += f" · {rest.pop(0)}"
    return [_fitted(first, font, FACE), _fitted(" · ".join(rest), font, FACE)]


def _fitted(text: str, font: Font, width: int) -> str:
    """One line of at most `width` pixels; longer text ends in an ellipsis."""
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:200]
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"
