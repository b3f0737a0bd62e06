"""Folds of a data set: the data descriptions of K runs, each tested on one of K folds, and their hashes."""

from engine.data.spec import LEAST_FOLDS, MOST_FOLDS, DataSpec, Fold
from engine.errors import ConfigError, Problem


def fold_specs(spec: DataSpec, folds: int) -> tuple[DataSpec, ...]:
    """The data description of each of K runs. Raises `ConfigError` for too few or too many folds.

    Examples
    --------
    >>> from engine.data.spec import BUILT_IN
    >>> [one.fold.number for one in fold_specs(BUILT_IN, 3)]
    [1, 2, 3]
    """
    if not LEAST_FOLDS <= folds <= MOST_FOLDS:
        text = (
            f"--folds {folds}: give {LEAST_FOLDS} to {MOST_FOLDS}; each run is tested on one fold, validated on the "
            "next and trained on the others"
        )
        raise ConfigError(problems=[Problem("data", text)])
    return tuple(spec.model_copy(update={"fold": Fold(number, folds)}) for number in range(1, folds + 1))


def own_splits(spec: DataSpec) -> DataSpec:
    """The data with its own splits instead of a fold."""
    return spec.model_copy(update={"fold": None})


def hash_in_fold(content_hash: str, fold: Fold) -> str:
    """The content hash of a fold, from the hash of the data with its own splits."""
    return f"{content_hash}/{fold.number}/{fold.of}"


def hash_of_folds(data_hash: str) -> str:
    """The content hash of all folds together, from the hash of one.

    Examples
    --------
    >>> hash_of_folds("d00d/2/5")
    'd00d/5'
    """
    return f"{own_hash(data_hash)}/{data_hash.rpartition('/')[2]}"


def own_hash(data_hash: str) -> str:
    """The content hash of the data with its own splits, from the hash of a fold or of all folds; others unchanged.

    Examples
    --------
    >>> own_hash("d00d/2/5"), own_hash("d00d/5"), own_hash("d00d")
    ('d00d', 'd00d', 'd00d')
    """
    return data_hash.partition("/")[0]
