"""What is known of the images that weights were pretrained on. Needs no torch."""

from collections.abc import Mapping
from typing import Any, Final

from engine.backbone_names import DLIB_AGE
from engine.choices import PRETRAINED

_DLIB_AGE: Final = (
    "dlib-age was pretrained on a private set of about 110,000 faces; that images it is scored on were among them "
    "cannot be excluded"
)


def pretraining_note(backbone: object, init: object) -> str | None:
    """A sentence on first weights whose images nobody can compare with those that are scored; None for others.

    Examples
    --------
    >>> pretraining_note("resnet50", "imagenet") is pretraining_note("dlib-age", "random") is None
    True
    """
    return _DLIB_AGE if init == PRETRAINED and str(backbone).partition("@")[0] == DLIB_AGE else None


def pretraining_of(config: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> str | None:
    """That sentence for a run, whose first weights may come from the file of another run, as its manifest says."""
    stored: str | None = ((manifest or {}).get("weights") or {}).get("pretraining")
    return stored or pretraining_note(config.get("backbone"), config.get("init"))
