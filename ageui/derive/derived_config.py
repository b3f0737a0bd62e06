"""The config, manifest and hash of a derived run, which decide whether two derived runs repeat each other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ageui.compare.differing_settings import setting
from ageui.compare.repeats import seeds_of
from ageui.compare.seed_figures import setting_key

if TYPE_CHECKING:
    from ageui.store import RunDetail

_SHARED = ("dtype", "recipe")


def in_order(sources: "Sequence[RunDetail]") -> "list[RunDetail]":
    """The sources sorted by setting, then seed, so that the order of their names does not matter."""
    return sorted(sources, key=lambda run: (_key(run), sorted(seeds_of(run.config)), run.id))


def derived_config(sources: "Sequence[RunDetail]", title: str) -> dict[str, Any]:
    """The fields of the sources' configs, as comma lists if they differ, and the title as `derived`.

    Slashes separate the seeds of sources with different settings, in the order of `in_order`: `0,1/0,1`.
    """
    configs = [run.config for run in sources]
    names = dict.fromkeys(name for config in configs for name in config)
    merged = {name: _merged(configs, name) for name in names}
    if len(sources) > 1:
        by_setting: dict[str, list[str]] = {}
        for run in sources:
            by_setting.setdefault(_key(run), []).append(str(run.config.get("seed", 0)))
        merged["seed"] = "/".join(",".join(seeds) for seeds in by_setting.values())
    return {**merged, "derived": title}


def derived_manifest(sources: "Sequence[RunDetail]", operation: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that decide a derived run's figures besides its seeds: operation, options, and its sources' settings.

    Also contains the known facts about the pretraining of its sources' first weights.
    """
    text = json.dumps([operation, options, [_key(run) for run in sources]], sort_keys=True)
    manifests = [run.manifest or {} for run in sources]
    shared = {
        name: manifests[0][name]
        for name in _SHARED
        if name in manifests[0] and all(one.get(name) == manifests[0][name] for one in manifests)
    }
    pretraining = "; ".join(dict.fromkeys(filter(None, (run.pretraining for run in sources))))
    known = {"weights": {"pretraining": pretraining}} if pretraining else {}
    return {**shared, **known, "derived": hashlib.sha256(text.encode()).hexdigest()}


def derived_hash(sources: "Sequence[RunDetail]", operation: str, options: Mapping[str, Any]) -> str:
    """The config hash of a derived run, equal for the same operation on the same runs."""
    runs = [[run.id, run.row.config_hash, run.row.created_at.isoformat()] for run in sources]
    text = json.dumps([operation, options, runs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _key(run: "RunDetail") -> str:
    return setting_key(run.config, run.manifest)


def _merged(configs: Sequence[Mapping[str, Any]], name: str) -> Any:
    texts = dict.fromkeys(setting(config, name) for config in configs)
    return configs[0].get(name) if len(texts) == 1 else ",".join(texts)
