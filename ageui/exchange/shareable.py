"""A run without the parts that no export may hold."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ageui.store import RunDetail

_DATA: Final = ("name", "format", "photos", "fold", "halve_valid")
_MANIFEST: Final = (
    "versions", "recipe", "device", "dtype", "threads", "data", "left_out", "faceless", "backbone_parameters",
    "head_parameters", "features", "last_batch", "scored_weights", "trainings", "derived",
)  # fmt: skip
_WEIGHTS: Final = ("sha256", "pretraining")
_SEPARATORS: Final = re.compile(r"[/\\]")


def shareable(run: RunDetail) -> RunDetail:
    """The run without its host, user, paths, notes and errors. The name of a weights file stays, without its folder.

    Notes and errors go because they may contain anything, such as paths.
    """
    manifest = None
    if run.manifest is not None:
        manifest = _only(run.manifest, _MANIFEST)
        manifest["weights"] = _only(run.manifest.get("weights") or {}, _WEIGHTS)
    return replace(
        run,
        row=replace(run.row, config=_without_folders(run.config), note=None, error=None),
        data_spec=_only(run.data_spec, _DATA),
        manifest=manifest,
        checkpoints=tuple(replace(one, path=file_name(one.path)) for one in run.checkpoints),
        attempts=(),
    )


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return _SEPARATORS.split(path)[-1]


def _without_folders(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config whose `init` has no folders; that of a derived run may be a comma list of files.

    >>> _without_folders({"init": "/home/me/a.pth,/home/me/b.pth", "batch": 32})
    {'init': 'a.pth,b.pth', 'batch': 32}
    """
    changed = dict(config)
    if "init" in changed:
        changed["init"] = ",".join(map(file_name, str(changed["init"]).split(",")))
    return changed


def _only(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
