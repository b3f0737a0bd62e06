"""Networks that predict an age from a face."""

import gc

from engine.checked_networks import NetworkKey, known_network
from engine.config import RunConfig
from engine.errors import ConfigError
from engine.load_report import LoadReport
from engine.models.age_model import AgeModel
from engine.models.backbones import build_backbone, set_batch_norm
from engine.models.heads import build_head
from engine.models.weights import initialise, start_from_last_layer
from engine.pretraining import begins_with_output_layer, untrained_problem

__all__ = ["AgeModel", "LoadReport", "build_model"]


def build_model(config: RunConfig, outputs: int, *, shares_weights: bool = False) -> tuple[AgeModel, LoadReport]:
    """The network of a config on the CPU, and the origin of its weights, which depend on the config alone.

    Batch norm has torchvision's momentum and epsilon unless the config sets them.

    Parameters
    ----------
    config
        Backbone, size, head, dropout, standardize, init, seed, bn_momentum and bn_epsilon decide the network.
    outputs
        1 for an age, else the number of logits.
    shares_weights
        Whether logits differ only in their bias.

    Raises
    ------
    ConfigError
        If the backbone, layer, size or weights file is wrong, or an extra is missing.
    DataError
        If pretrained weights are missing and cannot be downloaded.
    """
    if (problem := untrained_problem(config)) is not None:
        raise ConfigError(problem)
    checked = known_network(NetworkKey.of(config))
    backbone = build_backbone(config.backbone, config.size, config.seed, checked.facts if checked is not None else None)
    set_batch_norm(backbone.network, config.bn_momentum, config.bn_epsilon)
    # Reference cycles keep the discarded classifier alive: VGG's takes half a gigabyte.
    gc.collect()
    report = initialise(backbone.network, config.backbone, config.init, config.size)
    head = build_head(
        config.head,
        backbone.feature_count,
        config.widths or (),
        outputs,
        config.seed,
        shares_weights=shares_weights,
        dropout=config.dropout,
        standardize=config.standardize,
    )
    if begins_with_output_layer(config):
        report = start_from_last_layer(head[-1], report)
    return AgeModel(backbone, head), report
