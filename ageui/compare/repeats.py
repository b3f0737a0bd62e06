"""Which runs repeat each other: they differ in nothing but their seed, and were scored on the same images."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Repeatable(NamedTuple):
    """What decides which runs a run repeats.

    `setting` is its `setting_key` with the manifest, `config_setting` that without. `scored_on` is the data and the
    images behind its scores; None without scores.
    """

    setting: str
    config_setting: str
    seed: int
    scored_on: Hashable | None


def repeats(runs: Sequence[Repeatable | None]) -> list[list[int]]:
    """The places of runs, with those of repeats together, in the place of the first.

    A run that is not scored yet joins those that are. Of two runs with the same seed only one is a repeat, one with
    scores if there is one. None stands for a row that repeats none, such as published figures.

    Examples
    --------
    >>> repeats([Repeatable("a", "a", 0, "x"), Repeatable("b", "b", 0, "x"), Repeatable("a", "a", 1, "x")])
    [[0, 2], [1]]
    """
    scored_as: dict[str, Hashable] = {}
    for run in runs:
        if run is not None and run.scored_on is not None:
            scored_as.setdefault(run.config_setting, (run.setting, run.scored_on))
    found: dict[Hashable, list[int]] = {}
    seeds: dict[Hashable, dict[int, int]] = {}
    for place, run in enumerate(runs):
        if run is None:
            found["alone", place] = [place]
            continue
        key: Hashable = (run.setting, run.scored_on)
        if run.scored_on is None:
            key = scored_as.get(run.config_setting, key)
        together, by_seed = found.setdefault(key, []), seeds.setdefault(key, {})
        twin = by_seed.get(run.seed)
        if twin is None:
            together.append(place)
            by_seed[run.seed] = place
            continue
        is_better = run.scored_on is not None and (other := runs[twin]) is not None and other.scored_on is None
        if is_better:
            together[together.index(twin)] = place
            by_seed[run.seed] = place
        found["alone", place] = [twin if is_better else place]
    return list(found.values())
