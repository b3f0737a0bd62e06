"""Predicted peaks beside measured ones of whole runs: python tests/benchmarks/predicted_memory.py"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.events import MemoryPeaked
from engine.footprints import FootprintCounter, FootprintKey
from engine.memory_model import predicted_peak
from engine.request import RunRequest
from engine.wire import Decoder

BASE: dict[str, Any] = {"strategy": "scratch", "init": "random", "epochs": 1, "device": "cpu", "precision": "fp32"}
COUNTS = (96, 32, 0)
RUNS: tuple[dict[str, Any], ...] = (
    {"backbone": "resnet18", "size": 64},
    {"backbone": "resnet18", "size": 64, "epochs": 3, "optimizer": "sgd"},
    {"backbone": "resnet18", "size": 64, "strategy": "freeze", "epochs": "1,0"},
    {"backbone": "resnet18", "size": 128, "batch": 64},
    {"backbone": "resnet50", "size": 112},
    {"backbone": "resnet50", "size": 112, "precision": "bf16"},
    {"backbone": "resnet50", "size": 112, "strategy": "freeze", "epochs": "1,0"},
    {"backbone": "resnet50", "size": 112, "strategy": "freeze", "epochs": "1,1"},
    {"backbone": "vgg11", "size": 64},
    {"backbone": "densenet121", "size": 64},
    {"backbone": "mobilenet_v3_small", "size": 96},
    {"backbone": "vit_b_16", "size": 64, "batch": 16},
)


def measured(config: RunConfig) -> int:
    """The peak in bytes of a whole run on a few drawn faces."""
    with tempfile.TemporaryDirectory() as folder:
        spec = DataSpec(name="few", format="synthetic", synthetic=SyntheticOptions(counts=COUNTS, image_size=32))
        request = RunRequest(config=config, spec=spec, folder=Path(folder) / "run", cache=Path(folder) / "cache")
        read, write = os.pipe()
        engine = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine", "--events", str(write)],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[write],
        )  # fmt: skip
        os.close(write)
        assert engine.stdin is not None
        engine.stdin.write(request.line())
        engine.stdin.flush()
        decoder, peaks = Decoder(), list[int]()
        while not peaks and (content := os.read(read, 65536)):
            peaks = [one.event.bytes for one in decoder.feed(content) if isinstance(one.event, MemoryPeaked)]
        engine.kill()
        engine.wait()
        os.close(read)
    return peaks[0]


def main() -> None:
    for changes in RUNS:
        config = build_config({**BASE, **changes})
        with FootprintCounter([FootprintKey.of(config)]) as counting:
            (answer,) = counting.answers()
        assert answer.footprint is not None, answer.problem
        process = answer.footprint.process
        predicted, peak = predicted_peak(config, answer.footprint, sum(COUNTS)).bytes, measured(config)
        print(
            f"{peak / 1e9:.2f} GB measured, {predicted / 1e9:.2f} predicted ({predicted / peak - 1:+.0%}); "
            f"above the bare process {(predicted - process) / (peak - process) - 1:+.0%}; "
            f"{' '.join(f'{name}={value}' for name, value in changes.items())}",
            flush=True,
        )


if __name__ == "__main__":
    main()
