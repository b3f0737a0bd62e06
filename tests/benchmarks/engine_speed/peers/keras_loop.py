"""Keras 3 on the torch backend: model.fit on the same network, weights and loader."""

import os

from work import Training

from peers.loading import EngineOrder, device, loaders
from peers.stopwatch import Stopwatch

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("KERAS_TORCH_DEVICE", device().type)

import keras

from engine.models import build_model
from peers.keras_resnet import build_resnet, copy_weights


class Steps(keras.callbacks.Callback):
    def __init__(self, watch: Stopwatch, order: EngineOrder) -> None:
        super().__init__()
        self._watch, self._order = watch, order

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._order.set_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self._watch.step()


def train(training: Training, watch: Stopwatch, *, best: bool) -> float:
    """Trains, validates after every epoch, and returns the last validation MAE in years."""
    keras.config.set_image_data_format("channels_first" if best else "channels_last")
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16" if best else "float32")
    config = training.config()
    train_loader, valid_loader, order = loaders(training, best=best, channels_last=not best)
    model = build_resnet(config)
    copy_weights(build_model(config, 1)[0].state_dict(), model)
    model.compile(
        optimizer=keras.optimizers.Adam(config.lr[0]), loss="mse", metrics=[keras.metrics.MeanAbsoluteError(name="mae")]
    )
    history = model.fit(
        train_loader,
        epochs=training.epochs,
        validation_data=valid_loader,
        callbacks=[Steps(watch, order)],
        verbose=0 if best else 1,
    )
    return float(history.history["val_mae"][-1]) * 100
