"""Drawn faces with known groups and, on request, a known bias."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.choices import SPLITS
from engine.data.faces import Face, draw_face, plan_faces
from engine.data.manifest import Manifest
from engine.data.spec import FORMAT_ATTRIBUTES, DataSpec, SyntheticOptions
from engine.errors import ConfigError
from engine.groups import group_codes, group_names

ATTRIBUTES = FORMAT_ATTRIBUTES["synthetic"]
# Part of every image's fingerprint: raise it when the same face is drawn differently.
DRAWING = 1


def load(spec: DataSpec) -> Manifest:
    """The manifest of the built-in faces. Images have names such as `train/17` and are drawn when read."""
    if spec.ignore is not None:
        raise ConfigError("drawn faces take no list of images to leave out; draw fewer faces instead")
    options = spec.synthetic
    frame = plan(options)
    faces = dict(zip(frame["image"], _faces(frame, options), strict=True))

    def read(image: str) -> NDArray[np.uint8]:
        return draw_face(faces[image], options.image_size)

    def fingerprint(image: str) -> str:
        return f"drawn {DRAWING} {options.image_size} {faces[image]}"

    return Manifest(
        name=spec.name,
        frame=frame.drop(columns="looks"),
        attributes=ATTRIBUTES,
        read=read,
        fingerprint=fingerprint,
        content=lambda image: fingerprint(image).encode(),
    )


def plan(options: SyntheticOptions) -> pd.DataFrame:
    """One row per face: image, split, age (the label, years), the attributes, and `looks`, the drawn age."""
    parts = []
    for number, (split, count) in enumerate(zip(SPLITS, options.counts, strict=True)):
        if count == 0:
            continue
        part = plan_faces(count, number, options.seed).rename(columns={"age": "looks"})
        part.insert(0, "image", [f"{split}/{index}" for index in range(count)])
        part.insert(1, "split", split)
        part.insert(2, "age", _labels(part, options, split, number))
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    return frame[["image", "split", "age", "looks", *ATTRIBUTES]]


def _labels(part: pd.DataFrame, options: SyntheticOptions, split: str, number: int) -> NDArray[np.float64]:
    """The drawn ages with the group biases of the options, within 0 and 100 years."""
    drawn = part.assign(age=part["looks"])
    labels = drawn["age"].to_numpy(dtype=np.float64).copy()
    random = np.random.default_rng((options.seed, number, 1))
    for group, years in sorted(options.label_noise.items()):
        labels += np.where(_members(drawn, group), random.normal(0.0, years, len(labels)), 0.0)
    if split == "train":
        for group, years in options.label_shift.items():
            labels += np.where(_members(drawn, group), years, 0.0)
    return np.asarray(np.clip(labels, 0.0, 100.0))


def _members(frame: pd.DataFrame, group: str) -> NDArray[np.bool_]:
    attribute, _, name = group.partition("=")
    names = group_names(frame, attribute)
    if name not in names:
        raise ConfigError(f"synthetic faces have no group {group!r}; {attribute} has {', '.join(names)}")
    codes, _ = group_codes(frame, attribute)
    return np.asarray(codes == names.index(name))


def _faces(frame: pd.DataFrame, options: SyntheticOptions) -> list[Face]:
    """The seed of each face, which depends only on its split and place, so that more images leave others unchanged."""
    faces = []
    columns = (frame[name].tolist() for name in ("image", "looks", "gender", "ethnicity", "expression"))
    for image, looks, gender, ethnicity, expression in zip(*columns, strict=True):
        split, _, place = image.partition("/")
        faces.append(Face(looks, gender, ethnicity, expression, (options.seed, SPLITS.index(split), 2, int(place))))
    return faces
