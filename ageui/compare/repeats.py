"""Finds runs that repeat each other: they differ only in their seed and were scored on the same images."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

Seeds = tuple[tuple[int, int], ...]
"""The trainings behind a run: for each the place of its setting among those of an ensemble, and its seed, in order."""


def seeds_of(config: Mapping[str, Any]) -> Seeds:
    """The seeds of a config. Those of a derived run's sources are a text, with settings between slashes.

    Examples
    --------
    >>> seeds_of({"seed": 3}), seeds_of({"seed": "0,1/0"})
    (((0, 3),), ((0, 0), (0, 1), (1, 0)))
    """
    parts = str(config.get("seed", 0)).split("/")
    return tuple(sorted((place, int(seed)) for place, part in enumerate(parts) for seed in part.split(",")))


class Repeatable(NamedTuple):
    """The facts that decide whether two runs repeat each other.

    `setting` is its `setting_key` with the manifest, `config_setting` that without, and `arithmetic` as far as it is
    known and counts. `seeds` are those of `seeds_of`. `scored_on` is the data and the images behind its scores; None
    without scores.
    """

    setting: str
    config_setting: str
    seeds: Seeds
    scored_on: Hashable | None
    arithmetic: str | None = None


def repeats(runs: Sequence[Repeatable | None]) -> list[list[int]]:
    """The places of runs, with those of repeats together, in the place of the first.

    A run that is not scored yet joins those that are. Of two runs with the same seed only one is a repeat, preferably
    one with scores; ensembles are repeats if they share no training. None stands for a row that repeats none, such as
    published figures.

    Examples
    --------
    >>> first, second = ((0, 0),), ((0, 1),)
    >>> repeats([Repeatable("a", "a", first, "x"), Repeatable("b", "b", first, "x"), Repeatable("a", "a", second, "x")])
    [[0, 2], [1]]
    """
    scored_as: dict[Hashable, Hashable] = {}
    for run in runs:
        if run is not None and run.scored_on is not None:
            for arithmetic in (run.arithmetic, None):
                scored_as.setdefault((run.config_setting, arithmetic), (run.setting, run.scored_on))
    found: dict[Hashable, list[int]] = {}
    seeds: dict[Hashable, dict[tuple[int, int], int]] = {}
    for place, run in enumerate(runs):
        if run is None:
            found["alone", place] = [place]
            continue
        key: Hashable = (run.setting, run.scored_on)
        if run.scored_on is None:
            key = scored_as.get((run.config_setting, run.arithmetic), key)
        together, by_seed = found.setdefault(key, []), seeds.setdefault(key, {})
        twin = next((by_seed[seed] for seed in run.seeds if seed in by_seed), None)
        if twin is None:
            together.append(place)
            by_seed |= dict.fromkeys(run.seeds, place)
            continue
        is_better = run.scored_on is not None and (other := runs[twin]) is not None and other.scored_on is None
        if is_better:
            together[together.index(twin)] = place
            by_seed |= dict.fromkeys(run.seeds, place)
        found["alone", place] = [twin if is_better else place]
    return list(found.values())
