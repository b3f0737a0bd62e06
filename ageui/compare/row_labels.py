"""Short names of compared rows, by the settings in which they differ."""

from collections.abc import Mapping, Sequence

from ageui.compare.differing_settings import differing, in_short, telling

_ALWAYS = ("loss", "weights")
_INPUTS = ("init", "crop", "size")
"""Named wherever they differ, since they decide more than most settings that are compared."""


def row_labels(names: Sequence[str], settings: Sequence[Mapping[str, str]]) -> list[str]:
    """A label for each row, different for rows of different names.

    Parameters
    ----------
    names
        The names of the rows.
    settings
        Their config fields as text, all or those that differ; empty for a row without a config.

    Returns
    -------
    list of str
        Loss and weights if they differ, then the fewest other settings that tell the rows apart, and initial weights,
        crop and size wherever they differ. Equal labels get the seed, and if that does not help, the name. Rows
        without a config keep their name.

    Examples
    --------
    >>> settings = [{"loss": "mse", "seed": "1"}, {"loss": "mape", "seed": "1"}, {"loss": "mape", "seed": "2"}, {}]
    >>> row_labels(["a", "b", "c", "constant 30.2"], settings)
    ['mse', 'mape · s1', 'mape · s2', 'constant 30.2']
    """
    inputs = [one for one in differing([texts for texts in settings if texts]) if one in _INPUTS]
    fields = iter(telling([texts for texts in settings if texts]))
    labels = []
    for name, texts in zip(names, settings, strict=True):
        apart = next(fields) or [one for one in _ALWAYS if one in texts] if texts else ()
        told = dict.fromkeys((*apart, *inputs)) if texts else {}
        labels.append(in_short({one: texts.get(one, "none") for one in told}) or name)
    seeds = [in_short({"seed": texts["seed"]}) if "seed" in texts else "" for texts in settings]
    return _distinct(_distinct(labels, seeds), names)


def _distinct(labels: Sequence[str], additions: Sequence[str]) -> list[str]:
    """The labels, followed by their additions where several labels are equal and their additions are not."""
    own: dict[str, set[str]] = {}
    for label, addition in zip(labels, additions, strict=True):
        own.setdefault(label, set()).add(addition)
    return [
        f"{label} · {addition}" if addition and len(own[label]) > 1 else label
        for label, addition in zip(labels, additions, strict=True)
    ]
