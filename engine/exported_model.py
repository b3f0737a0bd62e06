"""A run's network for other programs, with its preprocessing: as a torch.export program or as ONNX."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from engine.age_predictor import years_of_pixels
from engine.calibration import Isotonic, Stretch
from engine.config import RunConfig
from engine.derived_methods import method_of
from engine.ensemble import Blend
from engine.errors import ConfigError
from engine.extras import check_installed, needs
from engine.losses import build_loss
from engine.models import AgeModel
from engine.predict import load_model

INPUT: Final = "faces"
OUTPUT: Final = "years"
LARGEST_DIFFERENCE: Final = 0.01
"""The largest accepted difference in years between an exported network and torch's."""
_TRIED: Final = 3


class AgesOfFaces(nn.Module):
    """RGB images of faces (N, S, S, 3) uint8 to ages (N,) in years, as `ageui predict` computes them in fp32."""

    def __init__(self, model: AgeModel, config: RunConfig) -> None:
        super().__init__()
        self.model = model
        self._mirror = config.mirror
        self._loss = build_loss(config)

    def forward(self, faces: Tensor) -> Tensor:
        def output(images: Tensor) -> Tensor:
            return self.model.score(self.model.features(self.model.normalised(images)))

        return years_of_pixels(faces.permute(0, 3, 1, 2), output, self._loss, mirror=self._mirror)


class CombinedAges(nn.Module):
    """Ages (N,) in years from those that several networks predict for the same faces (N, S, S, 3) uint8.

    Operation, options and parameters are those of a derived run, see `engine.derived_methods`.
    """

    _weights: Tensor
    _knots: Tensor
    _slopes: Tensor

    def __init__(
        self, sources: Sequence[nn.Module], operation: str, options: Mapping[str, Any], parameters: Sequence[Any]
    ) -> None:
        super().__init__()
        self.sources = nn.ModuleList(sources)
        self._method = method_of(operation, options)
        values = torch.tensor(parameters, dtype=torch.float64)
        if isinstance(self._method, Isotonic):
            knots, ages = values
            self.register_buffer("_knots", knots.float())
            self.register_buffer("_slopes", (ages.diff() / knots.diff()).float())
            self._first = float(ages[0])
        else:
            self.register_buffer("_weights", values.float())

    def forward(self, faces: Tensor) -> Tensor:
        years = torch.stack([source(faces) for source in self.sources])
        if isinstance(self._method, Blend):
            return (self._weights[:, None] * years).sum(0)
        if isinstance(self._method, Stretch):
            return self._method.centre + self._weights * (years[0] - self._method.centre)
        # A sum of the rising pieces: exporters know no interpolation.
        below, above = self._knots[:-1], self._knots[1:]
        return self._first + ((years[0][:, None].clamp(below, above) - below) * self._slopes).sum(1)


@dataclass(frozen=True)
class CheckedOnnx:
    """An ONNX file, and the largest difference in years between its ages and torch's on random images."""

    content: bytes
    difference: float


def ages_of_faces(weights: Path, sha256: str | None = None) -> tuple[AgesOfFaces, RunConfig]:
    """A run's network with its kept weights and preprocessing, on the CPU, and the config that trained it.

    Raises `DataError` if the file is missing or damaged, or if its hash differs from `sha256`.
    """
    model, config = load_model(weights, sha256)
    network = AgesOfFaces(model, config).eval()
    return network.requires_grad_(False), config


def torch_program(network: nn.Module, config: RunConfig, facts: Mapping[str, Any]) -> bytes:
    """A file for `torch.export.load` that takes any number of images. `facts` go into its extra file `ageui.json`.

    Raises `ConfigError` if the backbone cannot be exported.
    """
    content = io.BytesIO()
    torch.export.save(_program(network, config), content, extra_files={"ageui.json": json.dumps(dict(facts))})
    return content.getvalue()


def onnx_model(network: nn.Module, config: RunConfig, facts: Mapping[str, str]) -> CheckedOnnx:
    """An ONNX file that takes any number of images, with `facts` as its metadata. Its ages are compared with torch's.

    Raises `ConfigError` without the extra `onnx`, if the backbone cannot be exported, or if the ages differ by more
    than `LARGEST_DIFFERENCE`.
    """
    check_installed("onnx", "onnxscript")
    runtime = needs("onnx", "onnxruntime")
    try:
        found = torch.onnx.export(
            _program(network, config), input_names=[INPUT], output_names=[OUTPUT], dynamo=True, verbose=False
        )
    except torch.onnx.OnnxExporterError as error:
        raise _not_exported(config, "ONNX", error) from error
    assert found is not None
    proto = found.model_proto
    _forget_places(proto.graph)
    for function in proto.functions:
        _forget_places(function)
    for name, value in facts.items():
        proto.metadata_props.add(key=name, value=value)
    content: bytes = proto.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    faces = random_faces(config.size)
    years = torch.from_numpy(session.run([OUTPUT], {INPUT: faces.numpy()})[0])
    with torch.inference_mode():
        difference = (years - network(faces)).abs().max().item()
    if not difference <= LARGEST_DIFFERENCE:
        raise ConfigError(
            f"the ONNX form of backbone {config.backbone} predicts ages that differ by {difference:.2g} years from "
            "those of PyTorch; export the run with --to torch"
        )
    return CheckedOnnx(content, difference)


def random_faces(size: int, count: int = _TRIED) -> Tensor:
    """Images (N, S, S, 3) uint8 of random pixels, the same in every call."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, size, size, 3), dtype=torch.uint8, generator=generator)


def _program(network: nn.Module, config: RunConfig) -> torch.export.ExportedProgram:
    example = torch.zeros(2, config.size, config.size, 3, dtype=torch.uint8)
    batch = torch.export.Dim("images", min=1)
    try:
        with torch.no_grad():
            program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},), strict=False)
    except Exception as error:  # torch documents no common class of its errors
        raise _not_exported(config, "a torch.export program", error) from error
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            for key in ("stack_trace", "source_fn_stack", "from_node", "torch_fn"):
                node.meta.pop(key, None)
    return program


def _forget_places(graph: Any) -> None:
    """Removes the source files and lines that the exporter notes with each node of an ONNX graph."""
    for part in (*graph.node, *graph.value_info, *getattr(graph, "input", ()), *getattr(graph, "output", ())):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.doc_string = ""


def _not_exported(config: RunConfig, form: str, error: Exception) -> ConfigError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return ConfigError(
        f"backbone {config.backbone} cannot be exported as {form}: {reason}; export its weights and a script with "
        "--to hub"
    )
