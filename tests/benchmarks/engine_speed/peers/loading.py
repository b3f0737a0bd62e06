"""Faces from JPEG files, as the peers read them: decoded, resized and normalised for every epoch anew."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision import transforms
from work import Training

from engine.backbone_names import BackboneName
from engine.models.backbones import normalisation
from engine.randomness import epoch_order


class Faces(Dataset[tuple[Tensor, Tensor]]):
    """One split: normalised images (3, S, S), or (S, S, 3) where Keras wants them so, and ages / 100."""

    def __init__(self, training: Training, split: str, *, channels_last: bool) -> None:
        folder = Path(training.folder)
        table = pd.read_csv(folder / f"labels_metadata_{split}.csv", dtype={"imageId": str})
        self._files = [folder / f"{split}_data" / f"{image}.jpg" for image in table["imageId"]]
        self._targets = torch.tensor(table["age"].to_numpy() / 100, dtype=torch.float32)
        self._channels_last = channels_last
        mean, std = normalisation(BackboneName.parse(training.backbone).network)
        self._transform = transforms.Compose(
            [
                transforms.Resize(training.size, transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(training.size),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self._files[index]) as image:
            pixels = self._transform(image.convert("RGB"))
        return pixels.permute(1, 2, 0) if self._channels_last else pixels, self._targets[index]


class EngineOrder(Sampler[int]):
    """The order in which the engine visits the images of an epoch, so that all ways train on the same batches."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._count, self._epoch = seed, count, 0

    def set_epoch(self, epoch: int) -> None:
        """Epochs count from 0 here, as in Lightning and Keras."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return iter(epoch_order(self._seed, self._epoch + 1, self._count).tolist())


def loaders(
    training: Training, *, best: bool, channels_last: bool = False
) -> tuple[DataLoader[tuple[Tensor, Tensor]], DataLoader[tuple[Tensor, Tensor]], EngineOrder]:
    """Train and validation loader, and the order of the first. Workers only in the best setting."""
    train = Faces(training, "train", channels_last=channels_last)
    valid = Faces(training, "valid", channels_last=channels_last)
    order = EngineOrder(training.seed, len(train))
    workers = training.workers if best else 0
    pinned = best and torch.cuda.is_available()
    return (
        DataLoader(train, training.batch, sampler=order, num_workers=workers, pin_memory=pinned,
                   persistent_workers=workers > 0),
        DataLoader(valid, training.batch, num_workers=workers, pin_memory=pinned, persistent_workers=workers > 0),
        order,
    )  # fmt: skip


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
