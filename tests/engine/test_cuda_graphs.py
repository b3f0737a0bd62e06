"""Steps as CUDA graphs: on a processor with a recorder that only repeats what it was given, on a GPU with real ones."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import torch
from tiny_runs import Runner
from torch import Tensor, nn

import engine.train_step as train_step
from engine.cuda_graphs import STEPS_BEFORE, SWITCH_VARIABLE, CudaGraphRecorder, GraphedGradients, are_wanted
from engine.events import Noted, StageStarted, StepsEnded

MERGED = {"batch": 16, "last_batch": "keep", "epochs": 6}  # 65 images: four batches of 16 and one of 1 per epoch
SETTINGS = [
    {**MERGED, "bn": "train", "weights": "gender", "size": 64},
    {**MERGED, "strategy": "freeze", "init": "random", "epochs": "5,5", "augment": "report", "size": 64},
    {**MERGED, "backbone": "mobilenet_v3_small", "augment": "standard", "size": 64},  # has dropout
    {**MERGED, "loss": "group-dro", "weights": "gender", "size": 64},
]


class Repeating:
    """Stands in for CUDA: a recorded step has places of its own for loss and gradients, written to at each replay."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], state: Sequence[Tensor], spoil: Callable[[Tensor], None] | None = None
    ) -> None:
        self.recorded = self.replayed = 0
        self.places: list[Tensor] = []
        self._parameters, self._state, self._spoil = list(parameters), state, spoil

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        self.recorded += 1
        before = [tensor.clone() for tensor in self._state]
        loss = work()
        places = self.places = [parameter.grad for parameter in self._parameters]
        for tensor, value in zip(self._state, before, strict=True):
            tensor.copy_(value)
        for place in places:
            place.fill_(math.nan)

        def replay() -> None:
            self.replayed += 1
            loss.copy_(work())
            for place, parameter in zip(places, self._parameters, strict=True):
                place.copy_(parameter.grad)
                parameter.grad = None
            if self._spoil is not None:
                self._spoil(loss)

        return loss, replay


class Work:
    """A step with a batch norm, whose state it changes, and a layer that draws."""

    def __init__(
        self, *, with_graphs: bool = True, spoil: Callable[[Tensor], None] | None = None, exact: bool = True
    ) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
        self.notes: list[str] = []
        self.recorder = Repeating(self.model.parameters(), list(self.model.buffers()), spoil)
        self.step = GraphedGradients(
            self._gradients,
            self.model.parameters(),
            list(self.model.buffers()),
            self.recorder if with_graphs else _never,
            exact=exact,
            note=self.notes.append,
        )

    def _gradients(self, *given: Tensor) -> Tensor:
        self.model.zero_grad(set_to_none=True)
        loss = (self.model(given[0]).squeeze(1) - given[1]).square().mean()
        loss.backward()
        return loss.detach()

    def did(self, sizes: list[int]) -> list[list[Tensor]]:
        """Loss, gradients and state after each step, with an update of the weights between."""
        found = []
        for number, size in enumerate(sizes):
            random = torch.Generator().manual_seed(number)
            given = torch.randn((size, 3), generator=random), torch.randn(size, generator=random)
            loss = self.step(*given, reseed=lambda number=number: torch.manual_seed(number) and None)
            gradients = [parameter.grad for parameter in self.model.parameters()]
            found.append([loss, *(one.clone() for one in gradients), *(one.clone() for one in self.model.buffers())])
            with torch.no_grad():
                for parameter in self.model.parameters():
                    parameter -= 0.1 * parameter.grad
        return found


def _same(one: list[list[Tensor]], other: list[list[Tensor]]) -> bool:
    return all(torch.equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


SIZES = [8, 8, 8, 8, 5, 8, 8, 5, 5, 8, 5, 5, 8, 8]


def _never(work: Callable[[], Tensor]) -> Any:
    raise RuntimeError("operation not permitted when stream is capturing\nand more")


def test_steps_of_every_shape_are_those_without_graphs() -> None:
    graphed = Work()
    assert _same(graphed.did(SIZES), Work(with_graphs=False).did(SIZES))
    assert graphed.notes == []
    assert graphed.recorder.recorded == 2
    assert graphed.recorder.replayed == sum(SIZES.count(size) - STEPS_BEFORE for size in (8, 5))


def test_where_no_graph_can_be_recorded_the_steps_go_on_without() -> None:
    work = Work(with_graphs=False)
    work.did(SIZES)
    assert work.notes == [
        "training without CUDA graphs: recording failed (operation not permitted when stream is capturing)"
    ]


@pytest.mark.parametrize("spoiled", ["loss", "gradients", "state"])
def test_a_graph_with_another_result_is_dropped_and_leaves_no_trace(spoiled: str) -> None:
    def spoil(loss: Tensor) -> None:
        with torch.no_grad():
            if spoiled == "loss":
                loss += 1e-4
            elif spoiled == "gradients":
                work.recorder.places[0].add_(1e-4)
            else:
                work.model[0].running_mean += 1e-4

    work = Work(spoil=spoil)
    assert _same(work.did(SIZES), Work(with_graphs=False).did(SIZES))
    assert work.notes == ["training without CUDA graphs: a step with a graph had another result"]
    assert (work.recorder.recorded, work.recorder.replayed) == (1, 1)


@pytest.mark.parametrize(("factor", "kept"), [(1.001, True), (1.1, False)])
def test_without_determinism_results_may_differ_a_little(factor: float, kept: bool) -> None:
    def spoil(loss: Tensor) -> None:
        for place in work.recorder.places:
            place.mul_(factor)

    work = Work(spoil=spoil, exact=False)
    work.did(SIZES)
    assert (work.notes == []) is kept


def test_a_graph_is_kept_where_both_ways_leave_the_numbers() -> None:
    work, without = Work(), Work(with_graphs=False)
    for one in (work, without):
        with torch.no_grad():
            one.model[1].weight.fill_(math.nan)
        one.did(SIZES[:5])
    assert work.notes == []
    assert work.recorder.replayed > 0


def test_without_determinism_gradients_that_are_rounding_alone_may_differ() -> None:
    def spoil(loss: Tensor) -> None:
        places = work.recorder.places
        smallest = min(places, key=torch.linalg.norm)
        off = 0.005 * torch.linalg.norm(torch.cat([place.flatten() for place in places]))
        assert off > 0.01 * torch.linalg.norm(smallest)
        smallest.add_(off / math.sqrt(smallest.numel()))

    work = Work(spoil=spoil, exact=False)
    work.did(SIZES)
    assert work.notes == []


def test_the_first_error_of_a_recording_is_noted() -> None:
    def fails_twice(work: Callable[[], Tensor]) -> Any:
        try:
            raise RuntimeError("this operation cannot be recorded")
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    work = Work()
    work.step._record = fails_twice
    work.did(SIZES)
    assert work.notes == ["training without CUDA graphs: recording failed (this operation cannot be recorded)"]


@pytest.mark.parametrize("settings", SETTINGS, ids=["scratch", "freeze", "dropout", "group-dro"])
def test_a_run_with_graphs_is_the_run_without(
    settings: dict[str, Any], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = runner(**settings)
    recorders: list[Repeating] = []

    def graphed_gradients(
        gradients: Any, parameters: list[nn.Parameter], state: list[Tensor], record: object, **rest: Any
    ) -> GraphedGradients:
        recorders.append(Repeating(parameters, state))
        return GraphedGradients(gradients, parameters, state, recorders[-1], **rest)

    monkeypatch.setattr(train_step, "are_wanted", lambda device: True)
    monkeypatch.setattr(train_step, "CudaGraphRecorder", lambda device: None)
    monkeypatch.setattr(train_step, "GraphedGradients", graphed_gradients)
    graphed = runner(**settings)
    assert [recorder.recorded for recorder in recorders] == [2] * len(recorders)
    assert [note.message for note in graphed.all(Noted) if note.warning] == []
    _assert_same_run(graphed, without)


def _assert_same_run(one: Any, other: Any) -> None:
    assert [event.losses for event in one.all(StepsEnded)] == [event.losses for event in other.all(StepsEnded)]
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), name


def test_graphs_are_for_cuda_and_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)
    assert (are_wanted(cpu), are_wanted(cuda)) == (False, True)
    monkeypatch.setenv(SWITCH_VARIABLE, "off")
    assert not are_wanted(cuda)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", SETTINGS, ids=["scratch", "freeze", "dropout", "group-dro"])
def test_on_a_gpu_a_run_with_graphs_is_the_run_without(
    settings: dict[str, Any], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[None] = []
    record = CudaGraphRecorder.__call__
    monkeypatch.setattr(CudaGraphRecorder, "__call__", lambda *arguments: recorded.append(None) or record(*arguments))
    graphed = runner(**settings, device="cuda")
    assert len(recorded) == 2 * len(graphed.all(StageStarted)), "one for each shape of a batch"
    assert [note.message for note in graphed.all(Noted) if note.warning] == []
    monkeypatch.setenv(SWITCH_VARIABLE, "off")
    _assert_same_run(graphed, runner(**settings, device="cuda"))
