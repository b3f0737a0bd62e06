"""Scores a trained model on every labelled split."""

from collections.abc import Callable
from functools import partial

import numpy as np

from engine.config import RunConfig
from engine.data.dataset import Dataset
from engine.data.spec import RANGE_COLUMNS
from engine.events import Evaluated, Event
from engine.fairness import evaluate_split
from engine.groups import group_codes
from engine.image_errors import subject_codes
from engine.losses import Loss
from engine.model_inputs import Inputs, Rows, model_outputs
from engine.models import AgeModel
from engine.resampling import Codes


def evaluate(
    model: AgeModel,
    dataset: Dataset,
    config: RunConfig,
    loss: Loss,
    inputs: Inputs,
    selected_on: str | None,
    emit: Callable[[Event], None],
    progress: Callable[[str, int, int], None],
) -> None:
    """Emits one `Evaluated` for each split with labels.

    Uses the groups of the whole data set, so that a group without images in a split is visible.

    Parameters
    ----------
    model, loss
        The trained network, and the loss that turns its outputs into years.
    dataset, config
        Labels, age edges, and whether to use mirror images.
    inputs
        Images or cached features of all labelled rows.
    selected_on
        The split that selected the weights; None if none did.
    emit
        Receives the events.
    progress
        Receives the current task and the numbers of scored and of all images.
    """
    train = dataset.frame["age"].to_numpy(dtype=np.float64)[dataset.rows("train")]
    for split in dataset.splits():
        rows = dataset.rows(split)
        if len(rows):
            constant = float(train.mean())
            emit(score_rows(model, dataset, config, loss, inputs, split, rows, constant, selected_on, progress))


def score_rows(
    model: AgeModel,
    dataset: Dataset,
    config: RunConfig,
    loss: Loss,
    inputs: Inputs,
    split: str,
    rows: Codes,
    constant_age: float | None,
    selected_on: str | None,
    progress: Callable[[str, int, int], None],
) -> Evaluated:
    """Scores labelled rows (positions in the data set) under the name `split`; other parameters are as in `evaluate`.

    `constant_age` is the prediction of the constant predictor in years; None leaves it out.
    """
    frame = dataset.frame
    each = partial(progress, f"scoring {split}")
    outputs = model_outputs(model, inputs, Rows.plain(rows), each, mirror=config.mirror)
    predicted = loss.mean_years(outputs).numpy().astype(np.float32)
    columns = [name for name in ("image", "age", *RANGE_COLUMNS, "subject", *dataset.attributes) if name in frame]
    items = frame.iloc[rows][columns].reset_index(drop=True)
    result = evaluate_split(
        items["age"].to_numpy(dtype=np.float64),
        predicted.astype(np.float64),
        groups_of_rows(dataset, config, rows),
        constant_age,
        subjects=subject_codes(items["subject"]) if "subject" in items else None,
        split=split,
    )
    return Evaluated(split, result, items, predicted, selected_on)


def groups_of_rows(dataset: Dataset, config: RunConfig, rows: Codes) -> dict[str, tuple[Codes, tuple[str, ...]]]:
    """For each attribute of the data, and for `age`, the group of each row in `rows` and the names of all groups."""
    groups = {}
    for attribute in (*dataset.attributes, "age"):
        codes, names = group_codes(dataset.frame, attribute, config.age_edges)
        groups[attribute] = (codes[rows], names)
    return groups
