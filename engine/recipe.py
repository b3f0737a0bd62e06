"""The recipe: numbered revisions of the training details that a config leaves open. Needs no torch.

Revision 1
    Batch norm has torchvision's momentum and epsilon. With two stages, the best validation loss and its weights count
    over the whole run: a second stage that never beats the first is discarded.

Revision 2
    As in Keras. Batch norm has the momentum of keras.applications (3.15), in Keras' sense: 0.999 for MobileNet V2 and
    V3, 0.9 for EfficientNetV2, and for all other networks 0.99, the default of Keras' layer. ResNets, their relatives
    and DenseNets have the epsilon of keras.applications, 1.001e-5. Other networks keep torchvision's epsilon, with
    which their ImageNet weights were trained. Early stopping and best weights start anew in each stage, as in two calls
    of `fit`; the weights of the first stage are kept until an epoch of the second has a finite loss. One difference
    remains: Keras' moving variance uses the batch variance, torch's the unbiased estimate.

The config fields `bn_momentum`, `bn_epsilon` and `early_stopping` override the recipe. Both revisions train a frozen
backbone alike. A run's manifest names its revision, under which the run resumes.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.backbone_names import has_batch_norm
from engine.config import RunConfig
from engine.errors import ConfigError

FIRST_REVISION: Final = 1
NEWEST_REVISION: Final = 2

_KERAS_MOMENTUM: Final = 0.99
_KERAS_MOMENTA: Final = {"mobilenet": 0.999, "efficientnet_v2": 0.9}
_KERAS_EPSILON: Final = 1.001e-5
_WITH_KERAS_EPSILON: Final = ("resnet", "resnext", "wide_resnet", "densenet")


def recipe_revision(config: RunConfig) -> int:
    """The revision of a new run: the first, unless a newer revision changes its result.

    Examples
    --------
    >>> recipe_revision(RunConfig(strategy="freeze", epochs=(25, 0))), recipe_revision(RunConfig(strategy="finetune"))
    (1, 2)
    """
    has_two_stages = config.stage_count == 2 and config.epochs[0] > 0
    moves_statistics = config.bn == "train" and has_batch_norm(config.backbone)
    changes = has_two_stages or moves_statistics or _epsilon(config.backbone) is not None
    return NEWEST_REVISION if config.trains_backbone and changes else FIRST_REVISION


def revision_of(manifest: Mapping[str, Any]) -> int:
    """The revision of a started run, from its manifest."""
    return int(manifest.get("recipe", FIRST_REVISION))


def under_revision(config: RunConfig, revision: int) -> RunConfig:
    """The config, completed with the fields that the revision decides; batch-norm fields left None are torchvision's.

    Raises
    ------
    ConfigError
        If this version of ageui does not know the revision.
    """
    if revision not in (FIRST_REVISION, recipe_revision(config)):
        raise ConfigError(
            f"this run started under revision {revision} of the recipe, which this ageui does not know; update ageui, "
            "or restart the run with: ageui retry RUN --from-start"
        )
    if recipe_revision(config) == FIRST_REVISION:
        return config
    if revision == FIRST_REVISION:
        return config.model_copy(update={"early_stopping": "run"})
    keras = {"bn_momentum": _momentum(config.backbone), "bn_epsilon": _epsilon(config.backbone)}
    return config.model_copy(update={name: value for name, value in keras.items() if getattr(config, name) is None})


def _momentum(backbone: str) -> float:
    own = (momentum for family, momentum in _KERAS_MOMENTA.items() if backbone.startswith(family))
    return next(own, _KERAS_MOMENTUM)


def _epsilon(backbone: str) -> float | None:
    return _KERAS_EPSILON if backbone.startswith(_WITH_KERAS_EPSILON) else None
