"""The usual names of train, valid and test splits, and numbers of folds."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from engine.choices import SPLITS
from engine.counted import counted
from engine.data.sources.cells import cell_text
from engine.errors import ConfigError
from engine.short_text import short_list

LEFT_OUT: Final = "none"
"""The entry of a split map for rows that belong to no split."""
MOST_FOLDS: Final = 1_000
_SHOWN: Final = 5
_OWN_NAMES: Final = (*SPLITS, "val", "validation")

_NAMES: Final = {
    "train": ("train", "training", "trn", "tr", "trainval"),
    "valid": ("valid", "validation", "validate", "val", "dev", "devel", "development", "tune", "tuning"),
    "test": ("test", "testing", "tst", "te"),
}
_SPLIT_OF: Final = {name: split for split, names in _NAMES.items() for name in names}
_EITHER: Final = {
    "eval": ("valid", "test"),
    "evaluation": ("valid", "test"),
    "holdout": ("test", "valid"),
    "heldout": ("test", "valid"),
}
"""Names for whichever of two splits has no other name in a table; for the first if neither has."""
_SEPARATORS: Final = re.compile(r"[\s_.\-]+")
_KIND: Final = re.compile(r"(?<=\w)(?:set|split|data|images|fold)$")
_FOLD: Final = re.compile(
    r"(?:fold|cv|split|part|k)?[\s_-]*(?:frontal[\s_-]*)?0*([0-9]{1,4})(?:\.0+)?(?:[\s_-]*data)?(?:\.txt)?"
)


def split_key(cell: object) -> str:
    """A split's name without case, separators and words such as `set`; a fold's number; "" for an empty cell.

    >>> [split_key(cell) for cell in ("Training-Set", "fold_03", 2.0, None, float("nan"))]
    ['training', '3', '2', '', '']
    """
    text = cell_text(cell).casefold()
    if found := _FOLD.fullmatch(text):
        return found[1]
    return _KIND.sub("", _SEPARATORS.sub("", text))


def split_of(key: str, split_map: Mapping[str, str]) -> str | None:
    """The split of a key, or `LEFT_OUT`; None if it is unknown."""
    return split_map.get(key) or _SPLIT_OF.get(key)


def is_fold(key: str) -> bool:
    """Whether a key is the number of a fold, as `--folds` takes it."""
    return re.fullmatch(r"[0-9]{1,4}", key) is not None and int(key) < MOST_FOLDS


def with_either(keys: Iterable[str], split_map: Mapping[str, str]) -> dict[str, str]:
    """The split map, completed with names that stand for validation or test depending on the other names."""
    keys, made = list(keys), dict(split_map)
    for key in keys:
        if key in _EITHER and key not in made:
            used = {split_of(one, made) for one in keys}
            free = [split for split in _EITHER[key] if split not in used]
            if free:
                made[key] = free[0]
    return made


def read_splits(
    cells: Sequence[object], split_map: Mapping[str, str], fractions: Sequence[float]
) -> tuple[list[str | None], tuple[str, ...]]:
    """The split of each row, and sentences about names read as another split.

    A split is None for an empty cell, `LEFT_OUT` if the map says so, and the cell's text if its name is unknown.
    """
    texts = [cell_text(cell) for cell in cells]
    counts = Counter(texts)
    splits = {text: split_of(split_key(text), split_map) or text or None for text in counts}
    return [splits[text] for text in texts], tuple(_notes(counts, splits, fractions))


def _notes(counts: Counter[str], splits: Mapping[str, str | None], fractions: Sequence[float]) -> Iterator[str]:
    read = {split: [text for text in counts if splits[text] == split] for split in SPLITS}
    if any(text.casefold() not in _OWN_NAMES for texts in read.values() for text in texts):
        parts = [
            f"{short_list(texts, _SHOWN)} as {split} ({counted(sum(counts[text] for text in texts), 'row')})"
            for split, texts in read.items()
            if texts
        ]
        yield f"splits read: {', '.join(parts)}; change this with --split-map"
    if dropped := sum(counts[text] for text, split in splits.items() if split == LEFT_OUT):
        yield f"{counted(dropped, 'row')} left out by --split-map"
    if "" in counts and len(counts) > 1:
        shares = ",".join(f"{share:g}" for share in fractions)
        yield f"{counted(counts[''], 'row')} without a split: split in the shares {shares}"


def parse_split_map(text: str) -> dict[str, str]:
    """The map described by text such as `dev=valid,extra=none`. Raises `ConfigError` for other text."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, wanted = part.rpartition("=")
        key, split = split_key(name), LEFT_OUT if wanted.strip() == LEFT_OUT else _SPLIT_OF.get(split_key(wanted))
        if not key or split is None:
            raise ConfigError(
                f"--split-map {part}: write name=split, where split is {', '.join(SPLITS)} or {LEFT_OUT}, "
                "as in dev=valid,extra=none"
            )
        if found.setdefault(key, split) != split:
            raise ConfigError(f"--split-map {text}: {name.strip()} has two splits; give it one")
    return found


def parse_folds(text: str) -> dict[str, str]:
    """The map from folds to splits described by text such as `0-2/3/4`. Raises `ConfigError` for other text."""
    parts = text.split("/")
    wanted = "give the folds of train, valid and test, as in 0-2/3/4 or 0,1,2/3/4"
    if len(parts) != len(SPLITS):
        raise ConfigError(f"--folds {text}: {wanted}; one of valid and test may be empty, as in 0-3//4")
    found: dict[str, str] = {}
    for split, part in zip(SPLITS, parts, strict=True):
        for fold in _folds(part, f"--folds {text}: {wanted}"):
            if str(fold) in found:
                raise ConfigError(f"--folds {text}: fold {fold} is named twice")
            found[str(fold)] = split
    if "train" not in found.values():
        raise ConfigError(f"--folds {text}: no fold is left for train; {wanted}")
    return found


def _folds(text: str, wanted: str) -> Iterable[int]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"([0-9]{1,4})(?:\s*-\s*([0-9]{1,4}))?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last < MOST_FOLDS:
            raise ConfigError(wanted)
        yield from range(first, last + 1)
