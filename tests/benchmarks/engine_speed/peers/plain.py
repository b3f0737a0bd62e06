"""The plain PyTorch loop, after torchvision's references/classification/train.py."""

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from work import Training

from engine.models import build_model
from peers.loading import device, loaders
from peers.stopwatch import Stopwatch


def train(training: Training, watch: Stopwatch, *, best: bool) -> float:
    """Trains, validates after every epoch, and returns the last validation MAE in years."""
    loop = PlainLoop(training, best=best)
    train_loader, valid_loader, order = loaders(training, best=best)
    optimizer = loop.optimizer(training)
    mae = float("nan")
    for epoch in range(training.epochs):
        order.set_epoch(epoch)
        loop.model.train()
        loss_sum = 0.0
        for images, targets in train_loader:
            loss = loop.step(loop.moved(images), targets.to(loop.device, non_blocking=best), optimizer)
            loss_sum += loss.item() * len(images)
            watch.step()
        mae = loop.validate(valid_loader)
    return mae


class PlainLoop:
    """The network and how images come to it, in the default or the best setting."""

    def __init__(self, training: Training, *, best: bool) -> None:
        self.device, self.best = device(), best
        self.model, _ = build_model(training.config(), 1)
        self.model.to(self.device)
        self._criterion = nn.MSELoss()
        if best:
            self.model.to(memory_format=torch.channels_last)
            torch.backends.cudnn.benchmark = True

    def optimizer(self, training: Training) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=training.config().lr[0], eps=1e-7, fused=self.best)

    def step(self, images: Tensor, targets: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
        """Trains on images and ages / 100, both on the device; the loss ()."""
        with self.autocast():
            loss: Tensor = self._criterion(self.model(images).float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    def moved(self, images: Tensor) -> Tensor:
        if self.best:
            return images.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        return images.to(self.device)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.best)

    def validate(self, loader: DataLoader[tuple[Tensor, Tensor]]) -> float:
        """MAE in years."""
        self.model.eval()
        error, count = 0.0, 0
        with torch.inference_mode():
            for images, targets in loader:
                with self.autocast():
                    output = self.model(self.moved(images)).float()
                error += (output - targets.to(self.device)).abs().sum().item()
                count += len(images)
        return error / count * 100
