"""Checks networks and their first weights, in a separate process because it needs torch.

    python -P -m engine.check_networks

Each line of stdin is a `NetworkKey` as JSON; the answer to each is a line of stdout, a `CheckedNetwork` as JSON, see
`engine.checked_networks`.
"""

import os
import sys

from torch import nn

from engine.checked_networks import CheckedNetwork, NetworkFacts, NetworkField, NetworkKey, keep_network
from engine.errors import AgeUIError
from engine.losses.loss import AGE_CLASSES
from engine.models.backbones import build_backbone, size_warnings
from engine.models.weights import check_weights, start_from_last_layer


def check_network(key: NetworkKey) -> CheckedNetwork:
    """Builds a backbone, and checks that its first weights can be loaded."""
    checked = CheckedNetwork(key=key)
    field: NetworkField = "backbone"
    try:
        backbone = build_backbone(key.backbone, key.size, 0)
        checked.facts = NetworkFacts(
            parameters=sum(parameter.numel() for parameter in backbone.network.parameters()),
            state_bytes=sum(one.numel() * one.element_size() for one in backbone.network.state_dict().values()),
            features=backbone.feature_count,
            needs_pairs=backbone.needs_pairs,
        )
        field = "init"
        if key.init == "random":
            keep_network(checked, None)
        elif (found := check_weights(backbone.network, key.backbone, key.init, key.size)) is not None:
            file, report = found
            if key.output_layer:
                report = start_from_last_layer(nn.Linear(backbone.feature_count, AGE_CLASSES), report)
            checked.sentence = report.sentence()
            checked.warnings = (*report.warnings, *size_warnings(backbone, key.backbone, key.size))
            keep_network(checked, file)
    except AgeUIError as error:
        checked.problem, checked.failure, checked.field = str(error), error.failure, field
    except Exception:  # left to the engine, which keeps the traceback with the run
        return checked
    return checked


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps the output of libraries out of the answers
    for line in sys.stdin:
        answers.write(f"{check_network(NetworkKey.model_validate_json(line)).model_dump_json()}\n")
        answers.flush()


if __name__ == "__main__":
    main()
