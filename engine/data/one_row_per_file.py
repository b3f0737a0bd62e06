"""Finds rows that name the same file, in whatever spelling."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from engine.data.manifest import Manifest
from engine.data.report import RowProblem
from engine.short_text import quoted, short_list

_SHOWN = 3


def one_row_per_file(manifest: Manifest) -> Manifest:
    """The manifest with one row per file, and a problem for each row left out.

    Keeps the first of equal rows. If rows of one file disagree on its age, split or groups, all are left out, because
    nothing shows which row is right.
    """
    frame = manifest.frame
    left_out = dict(_repeated(manifest))
    if not left_out:
        return manifest
    cells = list(zip(frame["image"], frame["split"], strict=True))
    problems = (RowProblem(str(cells[row][0]), why, cells[row][1]) for row, why in sorted(left_out.items()))
    kept = frame.drop(index=frame.index[list(left_out)]).reset_index(drop=True)
    return replace(manifest, frame=kept, problems=(*manifest.problems, *problems))


def _repeated(manifest: Manifest) -> Iterator[tuple[int, str]]:
    """Rows to leave out, each with the reason."""
    frame = manifest.frame
    for rows in _rows_by_file(manifest):
        images = [str(image) for image in frame["image"].iloc[rows]]
        labels = frame.iloc[rows].drop(columns="image")
        differing = [str(name) for name in labels if labels[name].nunique(dropna=False) > 1]
        if differing:
            why = f"the file is named {len(rows)} times{_spellings(images)}, differing in {differing[0]}"
            yield from ((row, f"{why}: {_values(labels[differing[0]])}") for row in rows)
        else:
            for row, image in zip(rows[1:], images[1:], strict=True):
                same = "the same image is named twice"
                yield row, same if image == images[0] else f"{same}, first as {quoted(images[0])}"


def _rows_by_file(manifest: Manifest) -> list[list[int]]:
    """The rows of each file named by several rows. Only paths with the same file name can be the same file."""
    names = [os.path.basename(manifest.place(str(image))) for image in manifest.frame["image"]]
    often = Counter(names)
    found: dict[str, list[int]] = defaultdict(list)
    for row, (image, name) in enumerate(zip(manifest.frame["image"], names, strict=True)):
        if often[name] > 1:
            found[manifest.fingerprint(str(image))].append(row)
    return [rows for rows in found.values() if len(rows) > 1]


def _spellings(images: Sequence[str]) -> str:
    different = list(dict.fromkeys(images))
    return f" ({short_list(map(quoted, different), _SHOWN)})" if len(different) > 1 else ""


def _values(values: "pd.Series[Any]") -> str:
    return short_list(dict.fromkeys(map(_text, values)), _SHOWN)


def _text(value: object) -> str:
    if value is None or value != value:
        return "none"
    return f"{value:g}" if isinstance(value, float) else quoted(value)
