"""AgeModel: a backbone and a head, and the choice of the parts that train."""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from engine.choices import BatchNorm
from engine.models.backbones import Backbone
from engine.models.heads import Standardize


class AgeModel(nn.Module):
    """Normalised RGB images (B, 3, S, S) to ages / 100 (B,), or to logits (B, 101) or (B, 100) over whole years.

    `normalised` subtracts the backbone's `mean` from images in [0, 1] and divides by its `std`, per channel.
    """

    _mean: Tensor
    _std: Tensor

    def __init__(self, backbone: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        # Buffers move with the model to its device; these are not saved.
        self.register_buffer("_mean", torch.tensor(backbone.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(backbone.std).view(1, 3, 1, 1), persistent=False)
        self._backbone_frozen = False
        self._batch_norm_frozen = False
        self._features_in_training: Callable[[Tensor], Tensor] | None = None

    @property
    def feature_count(self) -> int:
        return self.backbone.feature_count

    @property
    def head_draws(self) -> bool:
        """Whether the head has layers that draw random numbers in training."""
        return any(isinstance(layer, _DropoutNd) for layer in self.head.modules())

    def forward(self, images: Tensor) -> Tensor:
        return self.score(self.features(images))

    def compile_training(self) -> None:
        """Compiles the backbone's training pass with torch.compile, one program for each shape of batch.

        The result differs in the last digits. Scoring stays uncompiled, because its shapes would need further programs.
        """
        self._features_in_training = torch.compile(self.backbone.forward, dynamic=False)

    def features(self, images: Tensor) -> Tensor:
        """Pooled features (B, F) of normalised images (B, 3, S, S)."""
        if self.training and self._features_in_training is not None:
            return self._features_in_training(images)
        features: Tensor = self.backbone(images)
        return features

    def normalised(self, images: Tensor) -> Tensor:
        """RGB images (B, 3, S, S) in [0, 1], normalised for the backbone."""
        return ((images - self._mean) / self._std).contiguous(memory_format=torch.channels_last)

    def score(self, features: Tensor) -> Tensor:
        """The output for pooled features (B, F), newly computed or cached."""
        output: Tensor = self.head(features)
        return output

    def standardize(self, features: Tensor) -> None:
        """Fits the head's standardization, if any, to features (N, F) of the train images."""
        for layer in self.head.modules():
            if isinstance(layer, Standardize):
                layer.fit(features)

    def set_training_stage(self, *, train_backbone: bool, bn: BatchNorm) -> None:
        """Chooses the parts that train from now on; the head always trains.

        A frozen backbone has no gradients and stays in inference mode under `train()`, so dropout and batch norm do not
        depend on the batch and running statistics do not move (as for frozen layers in Keras). With `bn` "frozen", a
        training backbone keeps only its batch-norm layers in inference mode; their scale and shift still train.
        """
        self._backbone_frozen = not train_backbone
        self._batch_norm_frozen = bn == "frozen"
        self.backbone.requires_grad_(train_backbone)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self._backbone_frozen:
            self.backbone.eval()
        elif self._batch_norm_frozen:
            for layer in self.backbone.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()
        return self
