"""Lightning's Trainer on the same network and loaders."""

import logging
import tempfile
import warnings
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from work import Training

from engine.models import build_model
from peers.loading import device, loaders
from peers.stopwatch import Stopwatch


class Regressor(lightning.LightningModule):
    def __init__(self, training: Training, *, best: bool) -> None:
        super().__init__()
        self.model, _ = build_model(training.config(), 1)
        self.criterion = nn.MSELoss()
        self._lr, self._best = training.config().lr[0], best

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.model(images.contiguous(memory_format=torch.channels_last) if self._best else images)
        return output.float()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, targets = batch
        loss: Tensor = self.criterion(self(images), targets)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, targets = batch
        self.log("val_mae", (self(images) - targets).abs().mean() * 100, batch_size=len(images))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self._lr, eps=1e-7, fused=self._best)


class Steps(lightning.Callback):
    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def on_train_batch_end(self, *arguments: Any) -> None:
        self._watch.step()


def train(training: Training, watch: Stopwatch, *, best: bool) -> float:
    """Trains, validates after every epoch, and returns the last validation MAE in years."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    train_loader, valid_loader, _ = loaders(training, best=best)
    module = Regressor(training, best=best)
    if best:
        module.to(memory_format=torch.channels_last)
    lean: dict[str, Any] = {
        "precision": "bf16-mixed",
        "benchmark": True,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            accelerator=device().type,
            devices=1,
            max_epochs=training.epochs,
            num_sanity_val_steps=0,
            default_root_dir=folder,
            callbacks=[Steps(watch)],
            **(lean if best else {}),
        )
        # It calls the sampler's set_epoch by itself.
        trainer.fit(module, train_loader, valid_loader)
    return float(trainer.callback_metrics["val_mae"])
