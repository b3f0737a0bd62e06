"""Networks that read an age from a face."""

import gc

from engine.checked_networks import NetworkKey, known_network
from engine.config import RunConfig
from engine.errors import ConfigError
from engine.load_report import LoadReport
from engine.models.age_model import AgeModel
from engine.models.backbones import build_backbone, set_batch_norm
from engine.models.heads import build_head
from engine.models.weights import initialise, start_from_last_layer
from engine.pretraining import begins_with_output_layer

__all__ = ["AgeModel", "LoadReport", "build_model"]


def build_model(config: RunConfig, outputs: int, *, shares_weights: bool = False) -> tuple[AgeModel, LoadReport]:
    """The network of a config on the CPU, with initial weights that depend on the config alone, and their origin.

    Batch norm has torchvision's momentum and epsilon where the config names none.

    Parameters
    ----------
    config
        Its backbone, size, head, dropout, standardize, init, seed and batch norm's momentum and epsilon decide the
        network.
    outputs
        1 for an age, or the number of logits.
    shares_weights
        Whether logits differ in their bias only.

    Raises
    ------
    ConfigError
        For a wrong backbone, layer, size or weights file, and for a missing extra.
    DataError
        For pretrained weights that are missing and cannot be downloaded.
    """
    begins = begins_with_output_layer(config)
    if sum(config.epochs) == 0 and not begins:
        raise ConfigError(
            "0 epochs score first weights as they come, but this run's output layer would be random; choose --epochs 1 "
            "or more, or --backbone dlib-age --init pretrained --head none --loss dldl"
        )
    checked = known_network(NetworkKey.of(config))
    backbone = build_backbone(config.backbone, config.size, config.seed, checked.facts if checked is not None else None)
    set_batch_norm(backbone.network, config.bn_momentum, config.bn_epsilon)
    # The discarded classifier hangs in reference cycles: half a gigabyte of VGG's would stay as long as the run.
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
    if begins:
        report = start_from_last_layer(head[-1], report)
    return AgeModel(backbone, head), report
