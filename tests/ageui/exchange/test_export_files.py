"""Runs as files of other tools: what those tools' own readers find in them, and what no file holds."""

import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from private_run import IMAGES, SECRET, add_private_run, contents
from safetensors import safe_open
from store_rows import queued
from terminal import Terminal

from ageui.files import output_folder
from ageui.store import Store
from engine.exported_model import random_faces
from engine.predict import load_model, predict_files

ROOT = Path(__file__).parents[3]
OUTPUTS = {"tensorboard": "logs/first", "hub": "hub", "torch": "first.pt2", "onnx": "first.onnx"}


@pytest.fixture
def exported(ageui: Terminal, private_store: Store) -> Callable[..., Path]:
    """Exports the private run `first` to a tool, and returns the file or folder."""

    def export(tool: str, *more: str) -> Path:
        done = ageui("export", "first", "--to", tool, "--output", OUTPUTS[tool], *more)
        assert done.code == 0, done.err
        return ageui.folder / OUTPUTS[tool]

    return export


def _refuse_secrets(path: Path) -> None:
    found = contents(path)
    assert len(found) > 1000
    for secret in (SECRET, "/home/", str(Path.cwd()), str(ROOT), str(Path(torch.__file__).parent)):
        assert secret.encode() not in found, secret
    assert b"first.pth" in found


def _years(store: Store, faces: torch.Tensor, folder: Path) -> list[float]:
    """The ages that `ageui predict` computes for images."""
    paths = [folder / f"{place}.png" for place in range(len(faces))]
    for path, face in zip(paths, faces, strict=True):
        Image.fromarray(face.numpy()).save(path)
    (checkpoint,) = store.runs.detail(1).checkpoints
    found = predict_files(store.checkpoint_file(checkpoint), paths, device="cpu", precision="fp32")
    return [one.years for one in found if one.years is not None]


def test_image_names_are_exported_only_on_request(exported: Callable[..., Path], ageui: Terminal) -> None:
    folder = exported("hub", "--with-image-names")
    assert [line.split(",")[1] for line in (folder / "predictions.csv").read_text().splitlines()[1:]] == IMAGES
    refused = ageui("export", "first", "--to", "torch", "-o", "x.pt2", "--with-image-names")
    assert (refused.code, "--with-image-names is for --to mlflow and --to hub" in refused.err) == (2, True)


@pytest.mark.simulation
@pytest.mark.parametrize("changes", [{"loss": "coral", "mirror": True}])
def test_a_program_of_torch_predicts_what_ageui_predicts(
    ageui: Terminal, store: Store, tmp_path: Path, changes: dict[str, Any]
) -> None:
    add_private_run(store, **changes)
    assert ageui("export", "first", "--to", "torch", "-o", "first.pt2").code == 0
    extra = {"ageui.json": ""}
    program = torch.export.load("first.pt2", extra_files=extra).module()
    faces = random_faces(32, 5)
    for count in (1, 5):
        years = program(faces[:count])
        assert years.tolist() == pytest.approx(_years(store, faces[:count], tmp_path), abs=1e-4)
    facts = json.loads(extra["ageui.json"])
    assert (facts["size"], facts["output"], facts["scores"]["mae"]) == (32, "age in years", 6.0)
    _refuse_secrets(Path("first.pt2"))


@pytest.mark.simulation
def test_a_calibrated_run_becomes_one_network_with_its_source(
    ageui: Terminal, private_store: Store, tmp_path: Path
) -> None:
    done = ageui("calibrate", "first", "--slope", "1.5", "--name", "stretched")
    assert done.code == 0, done.err
    assert ageui("export", "stretched", "--to", "torch", "-o", "stretched.pt2").code == 0
    faces = random_faces(32, 3)
    years = torch.export.load("stretched.pt2").module()(faces)
    wanted = [30.25 + 1.5 * (age - 30.25) for age in _years(private_store, faces, tmp_path)]
    assert years.tolist() == pytest.approx(wanted, abs=1e-3)
    refused = ageui("export", "stretched", "--to", "hub", "-o", "x")
    assert (refused.code, "has no weights of its own; name one of its source runs: first" in refused.err) == (3, True)


@pytest.mark.simulation
def test_an_onnx_file_predicts_what_ageui_predicts_or_is_refused(
    exported: Callable[..., Path],
    private_store: Store,
    tmp_path: Path,
    ageui: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    real, made = torch.onnx.export, []
    monkeypatch.setattr(torch.onnx, "export", lambda *given, **named: made.append(real(*given, **named)) or made[-1])
    path = exported("onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("faces", "tensor(uint8)", [32, 32, 3])
    faces = random_faces(32, 4)
    for count in (1, 4):
        (years,) = session.run(["years"], {"faces": faces[:count].numpy()})
        assert years.tolist() == pytest.approx(_years(private_store, faces[:count], tmp_path), abs=1e-3)
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["input"] == "an RGB image of 32×32 pixels"
    assert json.loads(facts["scores"])["mae"] == 6.0
    assert path.stat().st_mode & 0o777 == 0o600
    _refuse_secrets(path)

    run = runtime.InferenceSession.run
    monkeypatch.setattr(runtime.InferenceSession, "run", lambda *given: [run(*given)[0] + np.float32(0.5)])
    monkeypatch.setattr(torch.onnx, "export", lambda *given, **named: made[-1])
    done = ageui("export", "first", "--to", "onnx", "-o", "other.onnx")
    assert (done.code, "differ by 0.5 years from those of PyTorch" in done.err) == (2, True)
    assert not Path("other.onnx").exists()


def test_a_hub_folder_has_weights_a_card_and_a_script_that_predicts(
    exported: Callable[..., Path],
    private_store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = exported("hub")
    _refuse_secrets(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "predict.py",
    ]  # fmt: skip
    model, config = load_model(folder / "model.safetensors")
    assert config.init == "first.pth"
    (checkpoint,) = private_store.runs.detail(1).checkpoints
    with safe_open(private_store.checkpoint_file(checkpoint), framework="pt") as stored:
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, stored.get_tensor(name)), name
    card = (folder / "README.md").read_text(encoding="utf-8")
    front, _, text = card.removeprefix("---\n").partition("---\n")
    fields = {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in front.splitlines()}
    (result,) = fields["model-index"][0]["results"]
    assert [one["value"] for one in result["metrics"]] == [6.0, 0.5]
    assert "| gender bias | 0.50 |" in text
    assert "| gender | female | 1 | 4.50 |" in text
    assert "Do not use it to decide about anybody." in text
    assert "### Ethical considerations" in text
    assert json.loads((folder / "config.json").read_text())["config"]["init"] == "first.pth"

    (years,) = _years(private_store, random_faces(32, 1), tmp_path)
    monkeypatch.setattr(sys, "argv", ["predict.py", str(tmp_path / "0.png")])
    runpy.run_path(str(folder / "predict.py"), run_name="__main__")
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(years, abs=1e-5)


def test_tensorboard_reads_curves_figures_and_settings(exported: Callable[..., Path]) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = exported("tensorboard")
    _refuse_secrets(folder)
    events = reader.EventAccumulator(str(folder))
    events.Reload()

    def points(tag: str) -> list[tuple[int, float]]:
        return [(one.step, one.value) for one in events.Scalars(tag)]

    assert points("step/loss") == [(5, 0.75), (10, 0.5), (20, 0.25)]
    assert points("epoch/val_loss") == [(1, 0.25), (2, float("inf"))]
    assert points("epoch/val_bias/gender") == [(1, 0.5)]
    assert points("valid/mae") == [(1, 6.0)]
    assert points("valid/bias/gender_high") == [(1, 0.75)]
    assert points("valid/mae_of/gender/female") == [(1, 4.5)]
    times = [one.wall_time for one in events.Scalars("step/loss")]
    assert [time - times[0] for time in times] == pytest.approx([0, 0, 1.5])
    assert "settings" in events.Tags()["tensors"]
    assert events.summary_metadata["_hparams_/session_start_info"].plugin_data.plugin_name == "hparams"


@pytest.mark.parametrize(("tool", "module"), [("tensorboard", "tensorboard"), ("onnx", "onnxscript"),
                                              ("onnx", "onnxruntime"), ("mlflow", "mlflow")])  # fmt: skip
def test_a_missing_extra_is_named(
    ageui: Terminal, private_store: Store, monkeypatch: pytest.MonkeyPatch, tool: str, module: str
) -> None:
    if module == "onnxruntime":
        pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    monkeypatch.setitem(sys.modules, module, None)
    output = {"mlflow": "http://127.0.0.1:9"}.get(tool) or OUTPUTS[tool]
    done = ageui("export", "first", "--to", tool, "-o", output)
    missing = f"{module} is not installed; in the folder of ageui, install the extra '{tool}'"
    assert (done.code, missing in done.err) == (2, True)
    assert not Path(OUTPUTS.get(tool, "none")).exists()


def test_an_interrupted_export_leaves_nothing_and_an_earlier_one_intact(
    exported: Callable[..., Path], ageui: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exported("hub")
    before = contents(folder)
    real, written = output_folder.write_atomically, []

    def stop_at_the_third(path: Path, write: Any) -> None:
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        real(path, write)

    monkeypatch.setattr(output_folder, "write_atomically", stop_at_the_third)
    for output in ("hub", "new"):
        written.clear()
        assert ageui("export", "first", "--to", "hub", "-o", output, "--force").code == 130
        assert len(written) == 3
    assert contents(folder) == before
    assert not [path for path in ageui.folder.iterdir() if path.name.startswith((".hub", ".new", "new"))]


def test_a_folder_is_replaced_on_request_only_and_never_with_other_files_in_it(
    exported: Callable[..., Path], ageui: Terminal
) -> None:
    folder = exported("hub")
    again = ageui("export", "first", "--to", "hub", "-o", "hub")
    assert (again.code, "already exists" in again.err) == (2, True)
    (folder / "predictions.csv").write_text("old")
    assert ageui("export", "first", "--to", "hub", "-o", "hub", "--force").code == 0
    assert not (folder / "predictions.csv").exists()
    (folder / "config.json").write_text('{"model_type": "bert", "run": "x"}')
    refused = ageui("export", "first", "--to", "hub", "-o", "hub", "--force")
    assert (refused.code, "holds README.md, which no export wrote" in refused.err) == (2, True)
    (folder / "config.json").unlink()
    assert ageui("export", "first", "--to", "hub", "-o", "hub", "--force").code == 2
    shutil.rmtree(folder)
    exported("hub")
    (folder / "own.txt").write_text("mine")
    refused = ageui("export", "first", "--to", "hub", "-o", "hub", "--force")
    assert (refused.code, "holds own.txt, which no export wrote" in refused.err) == (2, True)
    assert (folder / "own.txt").read_text() == "mine"


def test_event_files_of_other_writers_stay(exported: Callable[..., Path], ageui: Terminal) -> None:
    pytest.importorskip("tensorboard")
    folder = exported("tensorboard")
    exported("tensorboard", "--force")
    other = folder / "events.out.tfevents.1700000000.host.99.0"
    other.write_text("mine")
    refused = ageui("export", "first", "--to", "tensorboard", "-o", OUTPUTS["tensorboard"], "--force")
    assert (refused.code, f"holds {other.name}, which no export wrote" in refused.err) == (2, True)
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--to", "keras"), 2, "--to keras: choose one of tensorboard, mlflow, onnx, torch, hub"),
        (("--to", "onnx"), 2, "name what to write: --output FILE.onnx"),
        (("--to", "onnx", "-o", "x.pt"), 2, "end the name in .onnx"),
        (("--to", "mlflow"), 2, "name the MLflow server: --output http://HOST:5000, or set MLFLOW_TRACKING_URI"),
        (("--to", "hub", "-o", "x", "--experiment", "e"), 2, "--experiment is for --to mlflow"),
        (("-o", "x"), 2, "need --to"),
        (("--to", "hub", "-o", "x"), 3, "has no weights"),
        (("--to", "torch", "-o", "x.pt2"), 3, "has no weights"),
        (("--to", "tensorboard", "-o", "x"), 3, "has neither curves nor scores yet"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    ageui: Terminal, store: Store, arguments: tuple[str, ...], code: int, said: str
) -> None:
    queued(store, "waiting")
    done = ageui("export", "waiting", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err
    assert not Path("x").exists()
