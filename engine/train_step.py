"""An optimizer step: computes a batch's loss and updates the weights."""

from collections.abc import Callable

import torch
from torch import Tensor

from engine.config import RunConfig
from engine.cuda_graphs import CudaGraphRecorder, GraphedGradients, are_wanted
from engine.losses import Loss, reduce
from engine.model_inputs import Batch, ImageInputs, Inputs
from engine.models import AgeModel
from engine.randomness import seed_layers


class TrainStep:
    """The steps of a stage. `note` is called once if the device supports CUDA graphs, but they fail."""

    def __init__(
        self,
        model: AgeModel,
        inputs: Inputs,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        config: RunConfig,
        device: torch.device,
        note: Callable[[str], None],
    ) -> None:
        self._model, self._inputs, self._loss, self._optimizer = model, inputs, loss, optimizer
        self._seed, self._device, self._clip_norm = config.seed, device, config.clip_norm
        self._trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        # The short steps of most heads, which have no random layers, need no seed.
        self._draws = isinstance(inputs, ImageInputs) or model.head_draws
        self._graphed: GraphedGradients | None = None
        if are_wanted(device):
            self._graphed = GraphedGradients(
                self._gradients,
                self._trained,
                [*model.buffers(), *loss.state().values()],
                CudaGraphRecorder(device),
                exact=config.deterministic,
                note=note,
            )

    def __call__(self, batch: Batch, target: Tensor, weight: Tensor, epoch: int, step: int, lr: float) -> Tensor:
        """Trains on a batch.

        Parameters
        ----------
        batch
            Rows with their pixels or features.
        target
            Targets of the loss on the device, (B,) or (B, columns).
        weight
            Sample weights on the device, (B,).
        epoch, step
            Numbers of the running epoch and step, from 1.
        lr
            Learning rate of the step.

        Returns
        -------
        Tensor
            The weighted loss () before the step. Does not wait for the device.
        """
        prepared = self._inputs.prepared(batch, epoch, step)

        def reseed() -> None:
            if self._draws:
                seed_layers(self._seed, step, self._device)

        if self._graphed is not None:
            loss = self._graphed(prepared, target, weight, reseed=reseed)
        else:
            reseed()
            loss = self._gradients(prepared, target, weight)
        if self._clip_norm is not None:
            # Pascanu et al. 2013, arXiv 1211.5063: the gradient of all weights as one vector.
            torch.nn.utils.clip_grad_norm_(self._trained, self._clip_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()
        return loss

    def close(self) -> None:
        """Frees graphs and their memory, without waiting for the garbage collector."""
        self._graphed = None

    def _gradients(self, *given: Tensor) -> Tensor:
        prepared, target, weight = given
        self._optimizer.zero_grad(set_to_none=True)
        output = self._inputs.train_output(self._model, prepared)
        loss = reduce(self._loss.per_image(output, target), weight)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
