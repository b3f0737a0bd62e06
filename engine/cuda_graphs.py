"""Runs a train step's forward and backward pass as a CUDA graph: one call starts hundreds of kernels.

A GPU finishes a small step faster than the host can start its kernels one by one. Recorded kernels and their arguments
never change, so each batch shape has its own graph, and all values that change from step to step are in tensors.

Each graph is verified: its first step is repeated without it, and a graph with another result is dropped.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from engine.choices import OFF

SWITCH_VARIABLE: Final = "AGEUI_CUDA_GRAPHS"
STEPS_BEFORE: Final = 3
"""The number of steps of a shape before its graph, in which libraries choose and set up their kernels."""

_MOST_DIFFERENCE = 0.01


class Gradients(Protocol):
    """Returns a batch's loss () and leaves the gradients in the parameters."""

    def __call__(self, *given: Tensor) -> Tensor: ...


class GraphRecorder(Protocol):
    """Records `work` without running it; returns the place of its result, and a function that replays it."""

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]: ...


class CudaGraphRecorder:
    """Records on torch's own capture stream, because cuBLAS keeps a workspace for every stream it ever sees.

    Its graphs share their memory, so no two may run at once.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        graph = torch.cuda.CUDAGraph()
        # Other threads, such as the pixel reader, call CUDA meanwhile.
        mode = "thread_local"
        with (
            torch.cuda.device(self._device),
            # A failed recording leaves its own stream as the current one.
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(graph, pool=self._pool, capture_error_mode=mode),
        ):
            result = work()
        return result, graph.replay


def are_wanted(device: torch.device) -> bool:
    """Whether to run steps on the device as graphs: on CUDA, unless AGEUI_CUDA_GRAPHS is off."""
    return device.type == "cuda" and os.environ.get(SWITCH_VARIABLE, "").lower() not in OFF


@dataclass(frozen=True, eq=False)
class _Graph:
    """The tensors that hold a recorded step's batch, loss and gradients."""

    given: tuple[Tensor, ...]
    loss: Tensor
    gradients: tuple[Tensor | None, ...]
    replay: Callable[[], None]


class GraphedGradients:
    """`gradients` with a graph for each shape of its first argument.

    `state` are the tensors that it changes in place besides the gradients of `parameters`. If recording fails, or if a
    graph disagrees with `gradients` (in any bit if `exact`), `note` is called and all further steps run without graphs.
    """

    def __init__(
        self,
        gradients: Gradients,
        parameters: Iterable[nn.Parameter],
        state: Sequence[Tensor],
        record: GraphRecorder,
        *,
        exact: bool,
        note: Callable[[str], None],
    ) -> None:
        self._gradients, self._record, self._note = gradients, record, note
        self._parameters, self._state = tuple(parameters), tuple(state)
        self._exact = exact
        self._seen: Counter[torch.Size] = Counter()
        self._graphs: dict[torch.Size, _Graph] = {}
        self._given_up = False

    def __call__(self, *given: Tensor, reseed: Callable[[], None] = lambda: None) -> Tensor:
        """The loss (), in memory that no later step overwrites. `reseed` seeds the step's random layers."""
        shape = given[0].shape
        graph = self._graphs.get(shape)
        self._seen[shape] += 1
        if graph is None and not self._given_up and self._seen[shape] > STEPS_BEFORE:
            return self._with_and_without(given, reseed)
        reseed()
        return self._gradients(*given) if graph is None else self._replay(graph, given)

    def _with_and_without(self, given: tuple[Tensor, ...], reseed: Callable[[], None]) -> Tensor:
        """Runs a step both ways and keeps the graph if the results agree."""
        before = self._values()
        reseed()
        # First without a graph: that memory is free again before the graph takes its own for good.
        loss = self._gradients(*given)
        gradients, after = self._gradients_now(), self._values()
        self._set(before)
        try:
            graph = self._recorded(given)
            reseed()
            loss_by_graph = self._replay(graph, given)
        except RuntimeError as error:
            self._give_up(f"recording failed ({_cause(error)})")
        else:
            pairs = [([loss_by_graph], [loss]), (self._gradients_now(), gradients), (self._state, after)]
            if all(self._are_alike(one, other) for one, other in pairs):
                self._graphs[given[0].shape] = graph
                return loss_by_graph
            self._give_up("a step with a graph had another result")
        self._set(after)
        self._set_gradients(gradients)
        return loss

    def _recorded(self, given: tuple[Tensor, ...]) -> _Graph:
        places = tuple(tensor.clone() for tensor in given)
        loss, replay = self._record(lambda: self._gradients(*places))
        return _Graph(places, loss, self._gradients_now(), replay)

    def _replay(self, graph: _Graph, given: tuple[Tensor, ...]) -> Tensor:
        for place, tensor in zip(graph.given, given, strict=True):
            place.copy_(tensor)
        graph.replay()
        self._set_gradients(graph.gradients)
        return graph.loss.clone()

    def _gradients_now(self) -> tuple[Tensor | None, ...]:
        return tuple(parameter.grad for parameter in self._parameters)

    def _set_gradients(self, gradients: Iterable[Tensor | None]) -> None:
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient

    def _values(self) -> tuple[Tensor, ...]:
        return tuple(tensor.clone() for tensor in self._state)

    def _set(self, values: Sequence[Tensor]) -> None:
        for tensor, value in zip(self._state, values, strict=True):
            tensor.copy_(value)

    def _are_alike(self, found: Sequence[Tensor | None], expected: Sequence[Tensor | None]) -> bool:
        """Whether tensors are equal, or nearly so as a whole: a single tensor may hold nothing but rounding errors."""
        off = size = 0.0
        for one, other in zip(found, expected, strict=True):
            if one is None or other is None:
                if one is not other:
                    return False
                continue
            differing = (one != other) & ~(one.isnan() & other.isnan())
            if self._exact and differing.any():
                return False
            off += float((one - other)[differing].float().square().sum())
            size += float(other.float().nan_to_num().square().sum())
        return math.sqrt(off) <= _MOST_DIFFERENCE * math.sqrt(size)

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self._graphs.clear()
        self._note(f"training without CUDA graphs: {reason}")


def _cause(error: BaseException) -> str:
    """The first line of the first failure, since ending a failed recording fails as well."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).strip().partition("\n")[0]
