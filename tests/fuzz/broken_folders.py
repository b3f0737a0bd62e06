"""Folders in the formats of the known data sets, with odd names, links and pipes, and damaged label files."""

import io
import os
from pathlib import Path
from random import Random

import numpy as np
from broken_bytes import damaged
from broken_images import broken_image, whole_images
from broken_tables import ODD_CELLS, ODD_NAMES


def put(path: Path, content: bytes) -> None:
    """Writes a file where the system allows its name, and nothing is there: writing into a pipe would wait."""
    if os.path.lexists(str(path).replace("\0", "")):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (OSError, ValueError):
        return


def put_odd_files(folder: Path) -> None:
    """A named pipe, links in a circle, to nothing, to a device and to the folder above."""
    os.mkfifo(folder / "pipe")
    for name, target in (("loop", "loop"), ("link", "gone"), ("zero.jpg", "/dev/zero"), ("above", "..")):
        (folder / name).symlink_to(target)


def _image(random: Random) -> bytes:
    return broken_image(random) if random.random() < 0.2 else whole_images()[random.choice((0, 7, 13))]


def _csv(random: Random, columns: str, rows: list[list[str]]) -> bytes:
    for _ in range(random.choice((0, 0, 1, 3))):
        row = random.choice(rows)
        row[random.randrange(len(row))] = random.choice(ODD_CELLS)
    text = "\n".join([columns, *(",".join(row) for row in rows)])
    content = text.encode("utf-8", "surrogateescape")
    return damaged(random, content) if random.random() < 0.3 else content


def _course(random: Random, folder: Path) -> None:
    for split in ("train", "valid", "test"):
        rows = [[f"{number:06d}", str(20 + number), "male", "asian", "happy"] for number in range(1, 5)]
        if random.random() < 0.9:
            put(folder / f"labels_metadata_{split}.csv", _csv(random, "imageId,age,gender,ethnicity,emotion", rows))
        for number in range(1, 5):
            put(folder / f"{split}_data" / f"{number:06d}.jpg", _image(random))


def _npy(random: Random, array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=random.random() < 0.1)
    content = stream.getvalue()
    return damaged(random, content) if random.random() < 0.4 else content


def _arrays(random: Random, folder: Path) -> None:
    for split in ("train", "valid"):
        side = random.choice((8, 8, 8, 1, 0))
        put(folder / f"data_{split}.npy", _npy(random, np.zeros((4, side, 8, random.choice((3, 3, 3, 1))), np.uint8)))
        ages = np.array([1.5, random.choice((30.0, np.nan, np.inf, -1.0)), 77.0, 20.0])
        put(folder / f"labels_{split}.npy", _npy(random, random.choice((ages, ages, ages[:, None], ages.astype(str)))))
        metadata = np.array([["male", "asian", random.choice(("happy", "\x1b[2J", "x" * 3000))]] * 4)
        put(folder / f"meta_data_{split}.npy", _npy(random, random.choice((metadata, metadata, metadata[:2]))))


def _appa_real(random: Random, folder: Path) -> None:
    for split in ("train", "valid", "test"):
        names = [f"{number:06d}.jpg" for number in range(4)]
        ages = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"
        rows = [[name, "38", "20.5", "3.1", "21"] for name in names]
        put(folder / f"gt_avg_{split}.csv", _csv(random, ages, rows))
        if random.random() < 0.5:
            rows = [[name, "female", "asian", "happy", "makeup"] for name in names]
            put(folder / f"allcategories_{split}.csv", _csv(random, "file,gender,race,happiness,makeup", rows))
        for name in names:
            put(folder / split / f"{name}_face.jpg", _image(random))


def _utkface(random: Random, folder: Path) -> None:
    for number in range(12):
        parts = [str(number + 20), str(number % 2), str(number % 5), f"2017011617{number:07d}"]
        if random.random() < 0.2:
            parts[random.randrange(4)] = random.choice(("", "999", "-1", "٣", "x", "1e3", *ODD_NAMES[:3]))
        name = "_".join(parts) + random.choice((".jpg", ".jpg", ".jpg.chip.jpg", ".JPG", ".png", ".gif", ""))
        put(folder / random.choice((".", ".", "part1", "__MACOSX", "part1/deep")) / name, _image(random))


def _nothing_known(random: Random, folder: Path) -> None:
    for _ in range(random.randrange(5)):
        put(folder / random.choice(ODD_NAMES).lstrip("/.~"), _image(random))


def broken_folder(random: Random, folder: Path) -> None:
    """Fills a new folder."""
    folder.mkdir()
    if random.random() < 0.3:
        put_odd_files(folder)
    make = random.choice((_course, _arrays, _appa_real, _utkface, _nothing_known))
    make(random, folder)
    for name in random.sample(ODD_NAMES, 2):
        if random.random() < 0.3:
            put(folder / f"odd-{name}".replace("/", "_"), _image(random))
    files = sorted(path for path in folder.rglob("*.*") if path.is_file() and not path.is_symlink())
    if files and random.random() < 0.2:
        chosen = random.choice(files)
        chosen.unlink()
        kind = random.randrange(3)
        if kind == 0:
            os.mkfifo(chosen)
        elif kind == 1:
            chosen.symlink_to(random.choice((chosen.name, "/dev/zero", "../..", "gone", files[0])))
        else:
            chosen.mkdir()
