"""Folders of as many faces as a work needs, in the course edition's layout, so that all ways read the same files."""

import shutil
from pathlib import Path

import pandas as pd

from engine.data.make_faces import make_faces
from engine.data.spec import SyntheticOptions

DRAWN = SyntheticOptions(counts=(1024, 256, 0), image_size=224)


class FaceFolders:
    """Makes folders out of `data`, a course edition with labelled images as files, else of drawn faces."""

    def __init__(self, data: Path | None, folder: Path, drawn: SyntheticOptions = DRAWN) -> None:
        self._folder = folder
        self.name = "drawn faces" if data is None else data.name
        if data is None:
            data = folder / "drawn"
            make_faces(data, drawn)
        self._data = data
        self._tables = {split: _labelled(data, split) for split in ("train", "valid")}

    def of(self, train: int, valid: int) -> str:
        """A folder with that many train and validation images, some more than once where there are too few."""
        folder = self._folder / f"faces-{train}-{valid}"
        if not folder.exists():
            for split, count in (("train", train), ("valid", valid)):
                self._copy(split, count, folder)
        return str(folder)

    def _copy(self, split: str, count: int, folder: Path) -> None:
        table = self._tables[split]
        repeats = -(-count // len(table))
        # Shuffled, since real data may be sorted by something.
        chosen = pd.concat([table.sample(frac=1, random_state=seed) for seed in range(repeats)]).iloc[:count]
        names = [f"{number:06d}" for number in range(1, count + 1)]
        images = folder / f"{split}_data"
        images.mkdir(parents=True)
        for source, name in zip(chosen["imageId"], names, strict=True):
            shutil.copyfile(self._data / f"{split}_data" / f"{source}.jpg", images / f"{name}.jpg")
        chosen.assign(imageId=names).to_csv(folder / f"labels_metadata_{split}.csv", index=False)


def _labelled(data: Path, split: str) -> pd.DataFrame:
    file = data / f"labels_metadata_{split}.csv"
    if not file.is_file():
        raise SystemExit(f"--data {data} has no {file.name}: give a course edition whose images are files")
    table = pd.read_csv(file, dtype={"imageId": str})
    return table[table["age"].notna()]
