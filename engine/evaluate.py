"""Scores a trained model on every labelled split."""

from collections.abc import Callable
from functools import partial

import numpy as np

from engine.config import RunConfig
from engine.data.dataset import Dataset
from engine.events import Evaluated, Event
from engine.fairness import evaluate_split
from engine.groups import group_codes
from engine.losses import Loss
from engine.model_inputs import Inputs, Rows, model_outputs
from engine.models import AgeModel


def evaluate(
    model: AgeModel,
    dataset: Dataset,
    config: RunConfig,
    loss: Loss,
    inputs: Inputs,
    emit: Callable[[Event], None],
    progress: Callable[[str, int, int], None],
) -> None:
    """Emits one `Evaluated` for each split with labels.

    Groups are those of the whole data set, so that a split without images of a group shows.

    Parameters
    ----------
    model, loss
        The trained network, and the loss that turns its outputs into years.
    dataset, config
        Labels, and the edges of the age groups.
    inputs
        Images or cached features of all labelled rows.
    emit
        Receives the events.
    progress
        Receives the work in progress, the number of scored images and of all images.
    """
    frame = dataset.frame
    groups = {name: group_codes(frame, name, config.age_edges) for name in (*dataset.attributes, "age")}
    ages = frame["age"].to_numpy(dtype=np.float64)
    constant = float(ages[dataset.rows("train")].mean())
    for split in dataset.splits():
        positions = dataset.rows(split)
        if len(positions) == 0:
            continue
        output = model_outputs(model, inputs, Rows.plain(positions), partial(progress, f"scoring {split}"))
        predicted = loss.years(output).numpy().astype(np.float32)
        result = evaluate_split(
            ages[positions],
            predicted.astype(np.float64),
            {name: (codes[positions], names) for name, (codes, names) in groups.items()},
            constant,
            split=split,
        )
        items = frame.iloc[positions][["image", "age", *dataset.attributes]].reset_index(drop=True)
        emit(Evaluated(split, result, items, predicted))
