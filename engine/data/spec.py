"""DataSpec: where a data set is and how to read it. Registered under a name, and stored with every run."""

from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from engine.choices import Crop, DataFormat, Target

FORMAT_ATTRIBUTES: Final[dict[DataFormat, tuple[str, ...]]] = {
    "course": ("gender", "ethnicity", "expression"),
    "utkface": ("gender", "ethnicity"),
    "synthetic": ("gender", "ethnicity", "expression"),
}
"""The attributes of formats with fixed attributes."""
FORMATS_WITH_REAL_AGES: Final[tuple[DataFormat, ...]] = ("appa_real", "table")
RANGE_COLUMNS: Final = ("age_low", "age_high")
"""The columns of a manifest that hold the ends of ages given as ranges."""
RESERVED_COLUMNS: Final = ("image", "age", "real_age", "age_std", "split", "subject")
"""The columns of a table other than attributes, by their names in `DataSpec.columns`."""

MOST_BINS: Final = 20
"""The largest number of intervals for an attribute's numbers."""
_FIRST_FIELDS: Final = frozenset(
    ("name", "format", "path", "columns", "ignore", "skip_bad", "fractions", "split_seed", "synthetic")
)

MOST_FACES = 1_000_000
_Faces = Annotated[int, Field(ge=0, le=MOST_FACES)]
Bins = Annotated[int, Field(ge=2, le=MOST_BINS)] | tuple[float, ...]
"""The number of intervals with about equally many images, or rising edges: `(18.5, 25)` for <18.5, 18.5-25, >=25."""


LEAST_FOLDS, MOST_FOLDS = 3, 50
"""The smallest number of folds, which leaves one to train on, and the largest."""


class Fold(NamedTuple):
    """Fold `number` of `of`, from 1. It is the test split; the next fold is valid, the others are train."""

    number: Annotated[int, Field(ge=1, le=MOST_FOLDS)]
    of: Annotated[int, Field(ge=LEAST_FOLDS, le=MOST_FOLDS)]


class SyntheticOptions(BaseModel):
    """Drawn faces: their number, their seed, and a deliberate bias.

    `label_shift` adds years to the *train* labels of a group, as biased raters would: a model that learns well gets
    this signed error in the group. `label_noise` is the standard deviation, in years, of an error added to the labels
    of a group in every split: it raises the group's MAE by a known amount that no model can remove. Both map
    `attribute=group` to years.
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
        Skip and count unusable rows instead of refusing the data.
    fractions, split_seed
        Shares of train, valid and test for a source without splits, and the seed of the split.
    keep_copies_together
        Put byte-identical images into one split of a source without splits. Data sets registered before this option
        existed keep their splits.
    split_map
        Maps a table's split names or fold numbers to train, valid, test, or none, which leaves rows out.
    age_scale
        Years that an age of 1 stands for, such as 100 for ages between 0 and 1; None for years.
    bins
        Maps numeric attributes of `columns` to their intervals: their number, or the edges between them.
    photos
        Whether images are uncropped photos. Runs then use the main face found in each.
    halve_valid
        In data without test images, use half of the validation images as such: one half selects weights, the other is
        scored.
    fold
        The fold that replaces the data's own splits; None keeps these.
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
        """Omits later fields with their default, so that data registered before they existed stays equal."""
        later = {name: field for name, field in type(self).model_fields.items() if name not in _FIRST_FIELDS}
        unused = {
            name for name, field in later.items() if getattr(self, name) == field.get_default(call_default_factory=True)
        }
        return {name: value for name, value in serialize(self).items() if name not in unused}


def why_unreadable(spec: DataSpec) -> str | None:
    """The reason why a data set's files cannot be read here; None if its folder or table exists."""
    if spec.format == "synthetic":
        return None
    if spec.path is None:
        return (
            f"data set {spec.name!r}: the run comes from elsewhere and does not say where its files are; add the data "
            "set (ageui data add) and train runs of your own"
        )
    path = Path(spec.path)
    if not path.exists():
        return (
            f"data set {spec.name!r}: {spec.path} is missing; mount it, or add it again with --replace from its new "
            "place"
        )
    if spec.format != "table" and not path.is_dir():
        return f"data set {spec.name!r}: {path} is not a folder, but format {spec.format} needs one"
    if spec.images is not None and not Path(spec.images).is_dir():
        return (
            f"data set {spec.name!r}: its image folder {spec.images} is missing; mount it, or add the data set "
            "again with another --images"
        )
    return None


def why_no_target(spec: DataSpec, target: Target) -> str | None:
    """The reason why data of this format lacks the target's ages; None if it may have them."""
    if target == "apparent" or spec.format in FORMATS_WITH_REAL_AGES:
        return None
    return f"data set {spec.name!r} ({spec.format}) has apparent ages only; use target=apparent"


def face_crop(crop: Crop, spec: DataSpec) -> Crop | None:
    """How found faces are cut out; None if images are used as they are.

    Examples
    --------
    >>> face_crop("as-is", BUILT_IN), face_crop("aligned", BUILT_IN)
    (None, 'aligned')
    """
    return crop if crop != "as-is" or spec.photos else None


BUILT_IN = DataSpec(name="synthetic", format="synthetic")
