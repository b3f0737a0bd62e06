"""Stage 1 by hand: the plain loop sends every image through the frozen backbone in every epoch, or keeps features."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from work import Training

from peers.loading import loaders
from peers.plain import PlainLoop

WARM_BATCHES = 2


def seconds_per_epoch(training: Training, *, best: bool) -> float:
    """Seconds of one epoch of the head with its validation, after two batches that warm up."""
    loop, optimizer = _frozen(training, best=best)
    train_loader, valid_loader, _ = loaders(training, best=best)
    criterion = nn.MSELoss()
    with torch.no_grad():
        for number, (images, _) in enumerate(train_loader, start=1):
            loop.model(loop.moved(images))
            if number == WARM_BATCHES:
                break
    begin = time.perf_counter()
    loop.model.head.train()
    for images, targets in train_loader:
        with loop.autocast():
            with torch.no_grad():
                features = loop.model.backbone(loop.moved(images))
            loss = criterion(loop.model.head(features).float(), targets.to(loop.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    loop.validate(valid_loader)
    return time.perf_counter() - begin


def seconds_with_kept_features(training: Training) -> float:
    """Seconds of all epochs where the features are computed once, kept in memory and then trained on."""
    begin = time.perf_counter()
    loop, optimizer = _frozen(training, best=True)
    criterion = nn.MSELoss()
    kept = []
    for loader in loaders(training, best=True)[:2]:
        features, ages = [], []
        with torch.no_grad(), loop.autocast():
            for images, targets in loader:
                features.append(loop.model.backbone(loop.moved(images)))
                ages.append(targets.to(loop.device))
        kept.append(TensorDataset(torch.cat(features), torch.cat(ages)))
    train_loader = DataLoader(kept[0], training.batch, shuffle=True)
    valid_loader = DataLoader(kept[1], training.batch)
    for _ in range(training.epochs):
        for inputs, targets in train_loader:
            loss = criterion(loop.model.head(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        with torch.inference_mode():
            for inputs, targets in valid_loader:
                (loop.model.head(inputs) - targets).abs().sum().item()
    return time.perf_counter() - begin


def _frozen(training: Training, *, best: bool) -> tuple[PlainLoop, torch.optim.Optimizer]:
    loop = PlainLoop(training, best=best)
    loop.model.backbone.requires_grad_(False).eval()
    return loop, torch.optim.Adam(loop.model.head.parameters(), lr=training.config().lr[0], eps=1e-7, fused=best)
