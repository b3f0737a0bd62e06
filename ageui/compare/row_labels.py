"""Short names of compared rows, by the settings in which they differ."""

from collections.abc import Mapping, Sequence

from ageui.compare.differing_settings import differing, in_short

_ALWAYS = ("loss", "weights")
_NOT_TELLING = ("seed", "device")


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
        Loss and weights if they differ, then as few other settings as tell the rows apart. Equal labels get the seed,
        and if that does not help the name. Rows without a config keep their name.

    Examples
    --------
    >>> settings = [{"loss": "mse", "seed": "1"}, {"loss": "mape", "seed": "1"}, {"loss": "mape", "seed": "2"}, {}]
    >>> row_labels(["a", "b", "c", "constant 30.2"], settings)
    ['mse', 'mape · s1', 'mape · s2', 'constant 30.2']
    """
    shown = _telling([texts for texts in settings if texts])
    labels = []
    for name, texts in zip(names, settings, strict=True):
        told = {one: texts.get(one, "none") for one in shown or _ALWAYS if shown or one in texts}
        labels.append(in_short(told) if texts and told else name)
    seeds = [in_short({"seed": texts["seed"]}) if "seed" in texts else "" for texts in settings]
    return _distinct(_distinct(labels, seeds), names)


def _telling(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """Loss and weights if they differ, then the fields that tell rows apart which those before do not."""
    differ = [name for name in differing(settings) if name not in _NOT_TELLING]
    told = [name for name in _ALWAYS if name in differ]
    apart = len({tuple(texts.get(name) for name in told) for texts in settings})
    for name in differ:
        more = len({tuple(texts.get(one) for one in (*told, name)) for texts in settings})
        if name not in told and more > apart:
            told, apart = [*told, name], more
    return told


def _distinct(labels: Sequence[str], additions: Sequence[str]) -> list[str]:
    """The labels, followed by their additions where several labels are equal and their additions are not."""
    own: dict[str, set[str]] = {}
    for label, addition in zip(labels, additions, strict=True):
        own.setdefault(label, set()).add(addition)
    return [
        f"{label} · {addition}" if addition and len(own[label]) > 1 else label
        for label, addition in zip(labels, additions, strict=True)
    ]
