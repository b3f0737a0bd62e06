"""Finds the columns of images, ages, splits and attributes in a table, by names and content."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import Final

import pandas as pd

from engine.choices import REPORT_ATTRIBUTES, Target
from engine.data.image_files import is_image_name
from engine.data.sources.adience import with_image_names
from engine.data.sources.ages import is_range
from engine.data.sources.raw_table import RawTable
from engine.data.sources.read_table import read_raw_table
from engine.data.sources.split_names import is_fold, split_key, split_of, with_either
from engine.data.spec import RESERVED_COLUMNS, DataSpec
from engine.errors import DataError
from engine.short_text import quoted, short_list

MOST_GROUPS: Final = 20
_LOOKED_AT: Final = 1_000
_SHOWN: Final = 5
_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "image": (
        "img", "imgs", "images", "file", "files", "filename", "filepath", "path", "paths", "imagepath",
        "imagefile", "imagename", "imagefilename", "imageid", "imgpath", "imgfile", "imgname", "imgid",
        "photo", "photos", "photoname", "photopath", "picture", "pictures", "picturename", "pic", "face",
        "faces", "facepath", "faceimage", "facefile", "fname", "fullpath", "relativepath", "originalimage",
    ),
    "age": (
        "ages", "years", "ageyears", "ageinyears", "yearsold", "ageyr", "ageyrs", "apparentage",
        "apparentageavg", "apparentagemean", "meanage", "agemean", "avgage", "ageavg", "averageage",
        "perceivedage", "personage", "alter", "alterjahre", "alterinjahren", "edad", "eta", "idade",
    ),
    "real_age": (
        "trueage", "actualage", "chronologicalage", "biologicalage", "realages",
    ),
    "age_std": (
        "apparentagestd", "agesd", "stdage", "stdv", "agestdev", "agestddev", "apparentagesd",
    ),
    "split": (
        "splits", "subset", "partition", "phase", "usage", "set", "datasplit",
    ),
    "subject": (
        "subjectid", "subjects", "person", "personid", "identity", "identityid", "individual", "individualid",
        "participant", "participantid", "userid", "celebrity", "celebrityid",
    ),
    "gender": (
        "sex", "genders", "genderlabel", "sexlabel", "perceivedgender", "perceivedsex", "geschlecht", "sexo",
    ),
    "expression": (
        "emotion", "emotions", "expressions", "facialexpression", "facialemotion", "expressionlabel", "emotionlabel",
    ),
    "ethnicity": (
        "race", "races", "ethnicities", "ethnicgroup", "ethnicitylabel", "racelabel", "perceivedrace",
        "perceivedethnicity",
    ),
}  # fmt: skip
_OTHER_SETS: Final = ("set", "phase", "usage")
"""Synonyms of split whose columns hold numbers other than folds."""
_FOLDS: Final = re.compile(r"fold(?!er)")
_FLAG: Final = re.compile(r"(?:is|in|for)?(?:train|test|valid|val)(?:ing|idation|ation)?(?:set|split)?")
_RANGES: Final = (
    "agerange", "ageranges", "agegroup", "agegroups", "agebin", "agebins", "agebucket", "ageband",
    "agecategory", "ageclass",
)  # fmt: skip
_OTHER_UNITS: Final = {"month": "1/12", "week": "1/52.18", "day": "1/365.25", "hour": "1/8766"}
"""Units of age in column names, each with its length in years."""
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def settled(spec: DataSpec, path: Path, target: Target) -> tuple[DataSpec, tuple[str, ...]]:
    """The description of a table, completed with the columns and splits found, and notes on these.

    A column with ageui's own name is not added to the description.

    Raises `DataError` if several columns fit or none does, or if splits are folds.
    """
    raw = with_image_names(read_raw_table(path, spec.columns.values()), spec, path)
    found = _Columns(path, raw, spec)
    found.find_pictures()
    found.find("image", _most_look_like_images)
    age, other = ("age", "real_age") if target == "apparent" else ("real_age", "age")
    found.find(age)
    found.find_ranges(age)
    found.refuse_other_units(age)
    found.refuse_no_age(age)
    for name in (other, "age_std", "subject"):
        found.find(name, is_needed=False)
    found.find_split()
    found.find_attributes()
    found.refuse_repeated()
    spec = spec.model_copy(update={"columns": found.mapping, "split_map": found.split_map})
    if not found.has("image"):
        raise DataError(
            f"{path} has no column of image files; name it with --columns image=COLUMN; it has "
            f"{short_list(found.names)}"
        )
    return spec, tuple(found.notes())


class _Columns:
    """The search for the columns of one table. `mapping` is the known part of `DataSpec.columns`."""

    def __init__(self, path: Path, raw: RawTable, spec: DataSpec) -> None:
        self.path, self.raw, self.table, self.spec = path, raw, raw.frame, spec
        self.names = [str(name) for name in raw.frame.columns]
        self.mapping = {_own_name(name): self._existing(column) for name, column in spec.columns.items()}
        self.split_map = dict(spec.split_map)
        self.found: dict[str, str] = {}
        self.unused: list[str] = []

    def has(self, name: str) -> bool:
        return name in self.mapping or name in self.names

    def find(self, name: str, fits: Callable[[pd.Series], bool] | None = None, *, is_needed: bool = True) -> None:
        """Looks for a column by spellings of its name and synonyms, then by content that `fits`."""
        if name in self.mapping:
            return
        by_letters, by_synonym = self._by_name(name)
        candidates = [*by_letters, *by_synonym] if is_needed else by_letters or by_synonym
        fitting = [one for one in candidates if fits is None or fits(self.table[one])]
        if name in self.names:
            if fitting and is_needed:
                others = " or ".join(map(quoted, fitting[:_SHOWN]))
                self.unused.append(
                    f"the {name} is read from column {quoted(name)}, not from {others}; change this with --columns"
                )
        elif candidates or fits is None:
            self._take(name, fitting or candidates, is_needed)
        else:
            self._take(name, [one for one in self._free() if fits(self.table[one])], is_needed)

    def find_pictures(self) -> None:
        """Takes the column that holds the pictures themselves, if any."""
        if not self.has("image") and len(self.raw.pictures) == 1:
            self._take("image", list(self.raw.pictures))

    def refuse_repeated(self) -> None:
        """Refuses a column that shares its name with a different column, unless a person named it."""
        for name in RESERVED_COLUMNS:
            column = self.mapping.get(name, name)
            if column in self.raw.repeated and name not in map(_own_name, self.spec.columns):
                raise DataError(
                    f"several columns of {self.path} are named {quoted(column)} and have different cells; give "
                    f"--columns {name}={column} for the first, or {name}={column}.1 for the second"
                )

    def find_ranges(self, age: str) -> None:
        """Looks for ages in columns such as `age_group`, which must hold ranges, not group numbers."""
        if not self.has(age):
            named = [name for name in self._free() if _folded(name) in _RANGES]
            self._take(age, [name for name in named if _hold_ranges(self.table[name])])

    def refuse_other_units(self, age: str) -> None:
        """Refuses ages in months or days by their column name, unless the data's scale is known."""
        chosen = self.mapping.get(age, age if age in self.names else None)
        in_other_units = [name for name in self._free() if _unit(name)] if chosen is None else [chosen]
        if len(in_other_units) == 1 and (unit := _unit(in_other_units[0])) is not None:
            if self.spec.age_scale is None:
                raise DataError(
                    f"column {quoted(in_other_units[0])} of {self.path} seems to hold {unit}s; give --columns "
                    f"{quote(f'{age}={in_other_units[0]}')} with --age-scale {_OTHER_UNITS[unit]}, or with "
                    "--age-scale 1 if it holds years"
                )
            self._take(age, in_other_units)

    def refuse_no_age(self, age: str) -> None:
        """Refuses a table without ages, and lists its columns."""
        if self.has(age):
            return
        own, other, target = ("apparent", "real_age", "real") if age == "age" else ("real", "age", "apparent")
        has_other = self.has(other) or any(self._by_name(other))
        choice = f", or read the {target} age with --target {target}" if has_other else ""
        groups = [name for name in self._free() if _folded(name) in _RANGES]
        warning = f"; {quoted(groups[0])} holds groups, not years or ranges of years" if groups else ""
        raise DataError(
            f"{self.path} has no column {age!r} for the {own} age; name it with --columns {age}=COLUMN{choice}; it has "
            f"{short_list(self.names)}{warning}"
        )

    def find_split(self) -> None:
        """Looks for the column of splits. Columns not named `split` must hold names of splits or folds."""
        if not self.has("split"):
            by_letters, by_synonym = self._by_name("split")
            named = by_letters or [name for name in by_synonym if self._holds_splits(name)]
            if not self._take("split", named or [name for name in self._free() if self._names_splits(name)]):
                self._refuse_flags()
        column = self.mapping.get("split", "split")
        if column not in self.names:
            if self.spec.split_map:
                raise DataError(f"{self.path} has no column of splits; name it with --columns split=COLUMN")
            return
        keys = self._keys(column)
        if "fractions" in self.spec.model_fields_set and all(map(split_key, _distinct(self.table[column]))):
            self.unused.append(f"--fractions is not used, because column {quoted(column)} holds a split for every row")
        self.split_map = with_either(keys, self.split_map)
        unknown = [key for key in keys if split_of(key, self.split_map) is None]
        if unknown and unknown == keys and all(map(is_fold, keys)):
            folds = sorted(map(int, keys))
            raise DataError(
                f"column {quoted(column)} of {self.path} holds folds ({short_list(map(str, folds))}); choose those "
                f"of train, valid and test, as in --folds {_example(folds)}{self._or_shares(column)}"
            )

    def find_attributes(self) -> None:
        """Gives the report's attributes their own names, if columns of groups have other spellings or synonyms."""
        for name in REPORT_ATTRIBUTES:
            if name not in RESERVED_COLUMNS and not self.has(name):
                by_letters, by_synonym = (list(filter(self._holds_groups, found)) for found in self._by_name(name))
                self._take(name, by_letters or by_synonym, is_needed=False)

    def notes(self) -> Iterator[str]:
        if self.found:
            pairs = ", ".join(f"{name}={column}" for name, column in self.found.items())
            yield f"columns found by name: {pairs}; change this with --columns"
        yield from self.unused
        for name in self.mapping:
            for own in get_close_matches(name, _SYNONYMS, n=1, cutoff=0.8) if name not in _SYNONYMS else ():
                yield f"--columns makes groups named {quoted(name)}; if that is the {own}, write {own} in its place"

    def _existing(self, column: str) -> str:
        """The column of that name, or in another spelling if only one column fits."""
        alike = [name for name in self.names if _folded(name) == _folded(column)]
        return alike[0] if column not in self.names and len(alike) == 1 else column

    def _free(self) -> list[str]:
        taken = {*self.mapping.values(), *RESERVED_COLUMNS}
        return [name for name in self.names if name not in taken]

    def _by_name(self, name: str) -> tuple[list[str], list[str]]:
        """The free columns that spell the name differently, and those named by a synonym."""
        free, own = self._free(), _folded(name)
        by_synonym = [one for one in free if _folded(one) in _SYNONYMS[name]]
        if name == "split":
            by_synonym += [one for one in free if one not in by_synonym and _FOLDS.search(_folded(one))]
        return [one for one in free if _folded(one) == own], by_synonym

    def _take(self, name: str, candidates: Sequence[str], is_needed: bool = True) -> bool:
        if len(candidates) > 1:
            both = " and ".join(map(quoted, candidates[:_SHOWN]))
            which = f"choose one, as in --columns {quote(f'{name}={candidates[0]}')}"
            if is_needed:
                raise DataError(f"columns {both} of {self.path} could all be the {name}; {which}")
            self.unused.append(f"columns {both} could all be the {name}, so none is taken for it; {which}")
        elif candidates:
            self.mapping[name] = self.found[name] = candidates[0]
        return bool(candidates)

    def _keys(self, column: str) -> list[str]:
        return [key for key in dict.fromkeys(map(split_key, _distinct(self.table[column]))) if key]

    def _holds_splits(self, column: str) -> bool:
        keys = self._keys(column)
        split_map = with_either(keys, self.split_map)
        if any(split_of(key, split_map) for key in keys):
            return True
        is_folds = _folded(column) not in _OTHER_SETS and 2 <= len(keys) <= MOST_GROUPS and all(map(is_fold, keys))
        if is_folds and "fractions" in self.spec.model_fields_set:
            self.unused.append(f"column {quoted(column)} is not used, because --fractions sets the splits")
            return False
        return is_folds

    def _holds_groups(self, column: str) -> bool:
        return 0 < len(_distinct(self.table[column])) <= MOST_GROUPS + 1  # empty text is not a group

    def _names_splits(self, column: str) -> bool:
        """Whether a column holds only names of train and another split, whatever its own name."""
        if len(_distinct(self.table[column])) > MOST_GROUPS:
            return False
        found = {split_of(key, {}) for key in self._keys(column)}
        return "train" in found and len(found) > 1 and None not in found

    def _refuse_flags(self) -> None:
        """Refuses a column such as `is_train` unless the spec gives shares, because its rows would be split by hash."""
        flags = [name for name in self._free() if _FLAG.fullmatch(_folded(name))]
        if flags and "fractions" not in self.spec.model_fields_set and len(keys := self._keys(flags[0])) == 2:
            raise DataError(
                f"column {quoted(flags[0])} of {self.path} seems to mark the rows of a split; map its cells to splits, "
                f"as in --columns {quote(f'split={flags[0]}')} --split-map {keys[0]}=SPLIT,{keys[1]}=SPLIT"
                f"{self._or_shares(flags[0])}"
            )

    def _or_shares(self, column: str) -> str:
        return "" if column == "split" else ", or split by shares with --fractions 0.7,0.15,0.15"


def _own_name(name: str) -> str:
    """ageui's name for a column with that name in another spelling; other names unchanged."""
    return next((own for own in RESERVED_COLUMNS if _folded(own) == _folded(name)), name)


def _folded(name: str) -> str:
    """A name in lower case, without accents, spaces or punctuation."""
    return "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if one.isalnum())


def _unit(column: str) -> str | None:
    """The unit of age in a column's name, such as `month`; None without a unit."""
    words = [word.lower() for word in _WORDS.findall(column)]
    name = _folded(column)
    if "age" in name:
        words.append(name.removeprefix("age").removeprefix("in"))
    elif len(words) > 1:
        return None
    return next((unit for unit in _OTHER_UNITS if unit in words or f"{unit}s" in words), None)


def _most_look_like_images(values: pd.Series) -> bool:
    cells = [cell.strip() for cell in values.head(_LOOKED_AT) if isinstance(cell, str) and cell.strip()]
    return 2 * sum(map(is_image_name, cells)) > len(cells)


def _hold_ranges(values: pd.Series) -> bool:
    return any(is_range(cell) for cell in _distinct(values) if isinstance(cell, str))


def _distinct(values: pd.Series) -> list[object]:
    try:
        return list(values.unique())
    except TypeError:  # lists and other unhashable cells
        return []


def _example(folds: Sequence[int]) -> str:
    """An example of folds for the three splits, in the form of `--folds`."""
    first = folds[: max(1, len(folds) - 2)]
    rest = [*folds[len(first) :], "", ""]
    train = (
        f"{first[0]}-{first[-1]}"
        if len(first) > 1 and first[-1] - first[0] == len(first) - 1
        else ",".join(map(str, first))
    )
    return f"{train}/{rest[0]}/{rest[1]}"
