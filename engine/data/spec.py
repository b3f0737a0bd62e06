"""DataSpec: the place of a data set and how to read it, as it is registered and stored with every run."""

from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from engine.choices import Crop, DataFormat, Target

FORMAT_ATTRIBUTES: Final[dict[DataFormat, tuple[str, ...]]] = {
    "course": ("gender", "ethnicity", "expression"),
    "utkface": ("gender", "ethnicity"),
    "synthetic": ("gender", "ethnicity", "expression"),
}
"""The attributes of the formats whose data always has the same ones."""
FORMATS_WITH_REAL_AGES: Final[tuple[DataFormat, ...]] = ("appa_real", "table")
RANGE_COLUMNS: Final = ("age_low", "age_high")
"""The columns of a manifest that hold the ends of ages given as ranges."""
RESERVED_COLUMNS: Final = ("image", "age", "real_age", "age_std", "split", "subject")
"""The columns of a table that are no attributes, by the names that `DataSpec.columns` maps."""

MOST_BINS: Final = 20
"""The most intervals of an attribute's numbers."""
_FIRST_FIELDS: Final = frozenset(
    ("name", "format", "path", "columns", "ignore", "skip_bad", "fractions", "split_seed", "synthetic")
)

MOST_FACES = 1_000_000
_Faces = Annotated[int, Field(ge=0, le=MOST_FACES)]
Bins = Annotated[int, Field(ge=2, le=MOST_BINS)] | tuple[float, ...]
"""A number of intervals with about equally many images each, or rising edges: `(18.5, 25)` for <18.5, 18.5-25, >=25."""


LEAST_FOLDS, MOST_FOLDS = 3, 50
"""The fewest folds that leave one to train on, and the most."""


class Fold(NamedTuple):
    """Fold `number` of `of`, from 1: it is test, the next one valid, and the others are train."""

    number: Annotated[int, Field(ge=1, le=MOST_FOLDS)]
    of: Annotated[int, Field(ge=LEAST_FOLDS, le=MOST_FOLDS)]


class SyntheticOptions(BaseModel):
    """Drawn faces: their number, their seed, and a bias put in on purpose.

    `label_shift` adds years to the *train* labels of a group, as biased raters would: a model that learns well has that
    signed error in the group. `label_noise` is the standard deviation, in years, of an error added to the labels of a
    group in every split: it raises the group's MAE by a known amount that no model can undo. Both map `attribute=group`
    to years.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: tuple[_Faces, _Faces, _Faces] = Field((1600, 400, 400), description="train, valid and test images")
    seed: int = Field(0, ge=0, lt=2**31)
    image_size: int = Field(96, ge=32, le=1024, description="side of the drawn image, pixels")
    label_shift: dict[str, float] = Field(default_factory=dict)
    label_noise: dict[str, float] = Field(default_factory=dict)


class DataSpec(BaseModel):
    """One registered data set.

    columns
        Maps ageui's names (`image age real_age age_std split subject`, and any attribute) to a table's column names.
    images
        The absolute folder where a table's relative image paths start; None for the table's own.
    ignore
        File of image names to leave out.
    skip_bad
        Leave out unusable rows and count them, instead of stopping the import.
    fractions, split_seed
        Shares of train, valid and test for a source without splits, and the seed of the split.
    keep_copies_together
        Put byte-identical images into one split of a source without splits. Data sets that were registered before this
        could be chosen keep their splits.
    split_map
        Maps names of splits or numbers of folds in a table to train, valid, test, or none, which leaves rows out.
    age_scale
        Years that an age of 1 stands for, such as 100 for ages between 0 and 1; None for years.
    bins
        Maps attributes of `columns` that hold numbers to their intervals: how many, or the edges between them.
    photos
        The images are uncropped: runs use the main face that is found in each.
    halve_valid
        Half of the validation images are test images, in data without any: one half chooses, the other one is scored.
    fold
        The fold of all images that a run is tested on, in place of the data's own splits; None for these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    format: DataFormat
    path: str | None = Field(None, description="absolute folder or file; none for synthetic")
    columns: dict[str, str] = Field(default_factory=dict)
    ignore: str | None = None
    skip_bad: bool = False
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    split_seed: int = 0
    keep_copies_together: bool = False
    synthetic: SyntheticOptions = SyntheticOptions()
    images: str | None = None
    split_map: dict[str, str] = Field(default_factory=dict)
    age_scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    bins: dict[str, Bins] = Field(default_factory=dict)
    photos: bool = False
    halve_valid: bool = False
    fold: Fold | None = None

    @model_serializer(mode="wrap")
    def _without_unused_fields(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out later fields that have their default: data registered before they existed stays equal to this."""
        later = {name: field for name, field in type(self).model_fields.items() if name not in _FIRST_FIELDS}
        unused = {
            name for name, field in later.items() if getattr(self, name) == field.get_default(call_default_factory=True)
        }
        return {name: value for name, value in serialize(self).items() if name not in unused}


def why_unreadable(spec: DataSpec) -> str | None:
    """Why the files of a data set cannot be read here; None if its folder or table is there."""
    if spec.format == "synthetic":
        return None
    path = Path(spec.path or "")
    if spec.path is None or not path.exists():
        return (
            f"data set {spec.name!r}: {spec.path} is not there; mount it, or add it again with --replace from its new "
            "place"
        )
    if spec.format != "table" and not path.is_dir():
        return f"data set {spec.name!r}: {path} is no folder, but the format {spec.format} needs one"
    if spec.images is not None and not Path(spec.images).is_dir():
        return (
            f"data set {spec.name!r}: the folder of its images, {spec.images}, is not there; mount it, or add the data "
            "set again with another one as --images"
        )
    return None


def why_no_target(spec: DataSpec, target: Target) -> str | None:
    """Why data of this format has no such ages; None if it may have them."""
    if target == "apparent" or spec.format in FORMATS_WITH_REAL_AGES:
        return None
    return f"data set {spec.name!r} ({spec.format}) has apparent ages only; use target=apparent"


def face_crop(crop: Crop, spec: DataSpec) -> Crop | None:
    """How faces that are found are cut out; None for images that are used as they are.

    Examples
    --------
    >>> face_crop("as-is", BUILT_IN), face_crop("aligned", BUILT_IN)
    (None, 'aligned')
    """
    return crop if crop != "as-is" or spec.photos else None


BUILT_IN = DataSpec(name="synthetic", format="synthetic")
