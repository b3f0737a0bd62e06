"""A sentence on the fold of the data that a run is tested on."""

from collections.abc import Mapping
from typing import Any


def fold_sentence(spec: Mapping[str, Any]) -> str:
    """A sentence on the fold in a stored `DataSpec`; empty without one.

    Examples
    --------
    >>> fold_sentence({"fold": [5, 5]})
    'fold 5 of 5 is test and fold 1 valid, in place of the splits of the data'
    >>> fold_sentence({})
    ''
    """
    if not spec.get("fold"):
        return ""
    number, of = spec["fold"]
    return f"fold {number} of {of} is test and fold {number % of + 1} valid, in place of the splits of the data"
