"""`ageui export --to`: writes a run for another tool."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ageui.cli.output import refuse_target, write_output
from ageui.cli.predictions_table import predictions_frame, predictions_text
from ageui.cli.streams import keep_exit_code
from ageui.console.consoles import messages, sayer
from ageui.derive.prediction_weights import kept_weights
from ageui.files.home import from_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageui.derive.prediction_weights import PredictionWeights
    from ageui.store import RunDetail, Store
    from engine.config import RunConfig

TOOLS: Final = ("tensorboard", "mlflow", "onnx", "torch", "hub")
EXPERIMENT: Final = "ageui"
SERVER_VARIABLE: Final = "MLFLOW_TRACKING_URI"
_ENDINGS: Final = {"onnx": ".onnx", "torch": ".pt2"}
_NAMED: Final = ("mlflow", "hub")
"""The tools whose export can hold predictions with the names of images."""


@dataclass(frozen=True)
class Target:
    """The other tool, the file, folder or server to write to, and what to do there."""

    tool: str
    output: str | None
    experiment: str | None
    with_image_names: bool
    force: bool

    @property
    def path(self) -> Path:
        return from_home(self.output or "")


def check_target(target: Target) -> None:
    """Raises `ConfigError` if the options do not fit the tool, or the file or folder cannot be written."""
    from engine.errors import ConfigError

    tool = target.tool
    if tool not in TOOLS:
        raise ConfigError(f"--to {tool}: choose one of {', '.join(TOOLS)}")
    if target.experiment is not None and tool != "mlflow":
        raise ConfigError(f"--experiment is for --to mlflow; leave it out with --to {tool}")
    if target.with_image_names and tool not in _NAMED:
        raise ConfigError(f"--with-image-names is for --to mlflow and --to hub; an export to {tool} has no predictions")
    if tool == "mlflow":
        if not _server(target):
            raise ConfigError(f"name the MLflow server: --output http://HOST:5000, or set {SERVER_VARIABLE}")
        return
    if target.output is None:
        what = f"FILE{_ENDINGS[tool]}" if tool in _ENDINGS else "FOLDER"
        raise ConfigError(f"name what to write: --output {what}")
    if tool in _ENDINGS:
        if target.path.suffix != _ENDINGS[tool]:
            raise ConfigError(f"--output {target.output}: end the name in {_ENDINGS[tool]}")
        refuse_target(target.path, target.force)


def export_to(store: "Store", run: "RunDetail", target: Target) -> None:
    """Writes a run for another tool, and prints what it wrote.

    Raises `ConfigError` if an extra is missing, or if the run has nothing for this tool; `DataError` if its weights are
    missing, or if the files or the server fail.
    """
    from ageui.exchange.shareable import shareable
    from engine.errors import DataError

    if run.row.is_published:
        raise DataError(f"run {run.id} ({run.name}) was not trained here: its figures belong to where they come from")
    shared = shareable(run)
    write: Mapping[str, Callable[[Store, RunDetail, RunDetail, Target], None]] = {
        "tensorboard": _to_tensorboard, "mlflow": _to_mlflow, "onnx": _to_onnx, "torch": _to_torch, "hub": _to_hub,
    }  # fmt: skip
    write[target.tool](store, run, shared, target)


def _to_tensorboard(store: "Store", run: "RunDetail", shared: "RunDetail", target: Target) -> None:
    from ageui.exchange.tensorboard_events import event_file, event_file_name, is_event_file

    _refuse_without_points(run)
    content = event_file(shared, store.runs.metric(run.id, "step/loss"))
    _write_folder(target, {event_file_name(run): content}, is_event_file)
    _say(f"event file of TensorBoard: {target.path}; show it and others beside it with: tensorboard --logdir "
         f"{target.path.absolute().parent}")  # fmt: skip


def _to_mlflow(store: "Store", run: "RunDetail", shared: "RunDetail", target: Target) -> None:
    from ageui.exchange.hub_folder import PAGE
    from ageui.exchange.mlflow_server import log_run, without_password
    from ageui.exchange.model_page import model_page

    _refuse_without_points(run)
    server, experiment = _server(target), target.experiment or EXPERIMENT
    files = _hub_files(store, run, shared) if run.kept is not None else {PAGE: model_page(shared, None).encode()}
    logged = log_run(
        shared,
        store.runs.metric(run.id, "step/loss"),
        {**files, **_predictions(store, run, target)},
        server=server,
        experiment=experiment,
        replaces=target.force,
    )
    keep_exit_code()
    _say(f"logged to {without_password(server)}, experiment {experiment}, as run {logged.run_id}")
    if logged.infinite:
        _say(logged.infinite)


def _to_hub(store: "Store", run: "RunDetail", shared: "RunDetail", target: Target) -> None:
    from ageui.exchange.hub_folder import HUB_FILES, PAGE, is_hub_folder

    is_own = is_hub_folder(target.path)
    files = {**_hub_files(store, run, shared), **_predictions(store, run, target)}
    _write_folder(target, files, lambda name: is_own and name in HUB_FILES)
    _say(f"folder for a model hub: {target.path}; read {target.path / PAGE} before you publish it")


def _to_torch(store: "Store", run: "RunDetail", shared: "RunDetail", target: Target) -> None:
    from ageui.derive.prediction_weights import prediction_weights
    from ageui.exchange.hub_folder import model_facts
    from ageui.text.plain_json import plain_json
    from engine.exported_model import torch_program

    network, config = _network(prediction_weights(store, run))
    content = torch_program(network, config, plain_json(model_facts(shared, _shared_config(config))))
    write_output(target.path, content, private=True)
    _say_input("torch.export program", len(content), target, config)


def _to_onnx(store: "Store", run: "RunDetail", shared: "RunDetail", target: Target) -> None:
    from ageui.derive.prediction_weights import prediction_weights
    from ageui.exchange.hub_folder import model_facts
    from ageui.present import json
    from engine.exported_model import onnx_model

    network, config = _network(prediction_weights(store, run))
    facts = model_facts(shared, _shared_config(config))
    texts = {name: value if isinstance(value, str) else json.text(value) for name, value in facts.items()}
    checked = onnx_model(network, config, texts)
    write_output(target.path, checked.content, private=True)
    _say_input("ONNX file", len(checked.content), target, config)
    _say(f"its ages differ from PyTorch's by at most {checked.difference:.1e} years on random images")


def _network(weights: "PredictionWeights") -> Any:
    """A run's network, made from those of its source runs if it is derived, and the config of the first one.

    Raises `ConfigError` if its source runs do not take the same images.
    """
    from engine.errors import ConfigError
    from engine.exported_model import CombinedAges, ages_of_faces

    made = weights.run.derived_from
    if made is None:
        return ages_of_faces(weights.file, weights.sha256)
    networks, configs = zip(*map(_network, weights.sources), strict=True)
    if len({(config.size, config.crop) for config in configs}) > 1:
        raise ConfigError(
            f"run {weights.run.id} ({weights.run.name}) has no single input: its source runs differ in size or crop; "
            f"export each of them: {made.source_names}"
        )
    return CombinedAges(networks, made.operation, made.options, made.parameters), configs[0]


def _say_input(what: str, size: int, target: Target, config: "RunConfig") -> None:
    _say(
        f"{what}, {size / 1e6:.1f} MB: {target.path}; input: RGB images (N, {config.size}, {config.size}, 3) uint8, "
        "output: ages (N,) in years"
    )


def _hub_files(store: "Store", run: "RunDetail", shared: "RunDetail") -> dict[str, bytes]:
    from ageui.exchange.hub_folder import hub_files
    from engine.kept_weights import load_weights, weights_content

    checkpoint = kept_weights(run)
    state, config = load_weights(store.checkpoint_file(checkpoint), checkpoint.sha256)
    config = _shared_config(config)
    return hub_files(shared, config, weights_content(state, config, run.pretraining))


def _shared_config(config: "RunConfig") -> "RunConfig":
    from ageui.exchange.shareable import file_name

    return config.model_copy(update={"init": file_name(config.init)})


def _predictions(store: "Store", run: "RunDetail", target: Target) -> dict[str, bytes]:
    from ageui.exchange.hub_folder import PREDICTIONS

    if not target.with_image_names:
        return {}
    return {PREDICTIONS: predictions_text(predictions_frame(store, run), ",")}


def _refuse_without_points(run: "RunDetail") -> None:
    from engine.errors import DataError

    if not run.history and not run.results:
        raise DataError(f"run {run.id} ({run.name}, {run.status}) has neither curves nor scores yet")


def _write_folder(target: Target, files: Mapping[str, bytes], is_own: "Callable[[str], bool]") -> None:
    from ageui.files.output_folder import foreign_file, write_output_folder
    from engine.errors import ConfigError, DataError

    folder = target.path.absolute()
    try:
        if folder.exists():
            if not folder.is_dir():
                raise ConfigError(f"{target.path} is a file; name a folder to write")
            if other := foreign_file(folder, is_own):
                raise ConfigError(f"{target.path} holds {other}, which no export wrote; name a new folder")
            if os.listdir(folder) and not target.force:
                raise ConfigError(f"{target.path} already exists; choose another name, or replace it with --force")
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_output_folder(folder, files)
    except OSError as error:
        raise DataError(f"{target.path} cannot be written: {error.strerror}") from error
    keep_exit_code()


def _server(target: Target) -> str:
    return target.output or os.environ.get(SERVER_VARIABLE, "")


def _say(text: str) -> None:
    sayer(messages())(text)
