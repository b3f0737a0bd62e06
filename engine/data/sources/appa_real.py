"""The APPA-REAL release (Agustsson et al. 2017): apparent and real ages, with the spread of the votes."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.choices import SPLITS, Target
from engine.data.manifest import Manifest
from engine.data.sources.folder_manifest import folder_manifest
from engine.data.sources.read_table import read_table
from engine.data.sources.source_rows import SourceRow
from engine.data.spec import DataSpec

ATTRIBUTES = {"gender": "gender", "ethnicity": "race", "expression": "happiness", "makeup": "makeup"}
AVERAGES = ("file_name", "apparent_age_avg", "apparent_age_std", "real_age")


def is_appa_real(root: Path) -> bool:
    """Whether the folder holds the release, judged by the names of its tables."""
    return any(os.path.lexists(root / f"gt_avg_{split}.csv") for split in SPLITS)


def load(spec: DataSpec, root: Path, target: Target) -> Manifest:
    """The manifest of the release's face crops. It has attributes only if `allcategories_*.csv` are beside the ages."""
    categories = {split: _categories(root, split) for split in SPLITS}
    attributes = tuple(name for name, column in ATTRIBUTES.items() if any(column in c for c in categories.values()))
    return folder_manifest(spec, root, _rows(root, target, categories), attributes, ("real_age", "age_std"))


def _rows(root: Path, target: Target, categories: dict[str, dict[str, dict[str, str]]]) -> Iterator[SourceRow]:
    column = "apparent_age_avg" if target == "apparent" else "real_age"
    for split in SPLITS:
        path = root / f"gt_avg_{split}.csv"
        if not os.path.lexists(path):
            continue
        for record in read_table(path, AVERAGES).to_dict("records"):
            name = str(record["file_name"]).removesuffix("_face.jpg")
            attributes = {ours: categories[split].get(theirs, {}).get(name) for ours, theirs in ATTRIBUTES.items()}
            extra = {"real_age": record["real_age"], "age_std": record["apparent_age_std"]}
            yield SourceRow(f"{split}/{name}_face.jpg", split, record[column] or "nan", attributes, extra)


def _categories(root: Path, split: str) -> dict[str, dict[str, str]]:
    """Maps columns to image names to values; empty without the release's extra labels."""
    path = root / f"allcategories_{split}.csv"
    if not os.path.lexists(path):
        return {}
    table = read_table(path, ("file",))
    names = [str(name).removesuffix("_face.jpg") for name in table["file"]]
    return {
        column: dict(zip(names, table[column], strict=True))
        for column in ATTRIBUTES.values()
        if column in table.columns
    }
