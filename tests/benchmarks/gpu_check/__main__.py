"""What a GPU shows in eight minutes: tests, step times against PyTorch's, memory, and the report's final model.

    python tests/benchmarks/gpu_check [--minutes 8] [--data FOLDER] [--weights FOLDER] [--out FOLDER]

Needs torch, the packages of `engine/` and no network; parts that need more say so. Writes one Markdown table, whole
after every row: a check that is cut off has told what it found. On a processor, `--device cpu --tiny` tries it.
"""

import argparse
import os
import re
import shlex
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENGINE_SPEED = ROOT / "tests" / "benchmarks" / "engine_speed"
sys.path.append(str(ENGINE_SPEED))

from check import Check  # noqa: E402
from document import Document  # noqa: E402
from parts import PARTS  # noqa: E402
from run_parts import Run  # noqa: E402
from server import Server  # noqa: E402


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names = arguments.only.split(",") if arguments.only else [part.name for part in PARTS]
    parts = tuple(part for part in PARTS if part.essential or part.name in names)
    if unknown := [name for name in names if name not in {part.name for part in PARTS}]:
        raise SystemExit(f"--only {','.join(unknown)}: the parts are {', '.join(part.name for part in PARTS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", "tests/benchmarks/gpu_check", *sys.argv[1:]])
    document = Document(arguments.out / "gpu-check.md", [part.name for part in parts], command)
    kind, _, number = arguments.device.partition(":")
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        check = Check(
            device=kind,
            tiny=arguments.tiny,
            folder=folder,
            data=str(arguments.data.absolute()) if arguments.data else None,
            weights=str(arguments.weights.absolute()) if arguments.weights else None,
        )
        server = Server(arguments.out / "gpu-check.log", _environment(kind, number))
        run = Run(check, document, server, arguments.minutes)
        try:
            run.measure_all(parts)
        finally:
            server.close()
    print((arguments.out / "gpu-check.md").read_text(encoding="utf-8"))
    return 1 if run.failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks/gpu_check", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="for all parts together (%(default)g)")
    parser.add_argument("--data", type=Path, help="folder of a course edition with images as files; else drawn faces")
    parser.add_argument("--weights", type=Path, help="folder of weights files named as torchvision's; else random")
    parser.add_argument("--out", type=Path, default=Path("gpu-check"), help="folder for table and log (%(default)s)")
    parser.add_argument("--only", help=f"parts, by commas, of {', '.join(part.name for part in PARTS)}; else all")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="a few tiny steps of everything, to try the check itself")
    arguments = parser.parse_args()
    if not re.fullmatch(r"cpu|cuda(:\d+)?", arguments.device):
        parser.error(f"--device {arguments.device}: choose cuda, cuda:N or cpu")
    return arguments


def _environment(kind: str, number: str) -> dict[str, str]:
    """Lets processes find the engine and the shared timing code, and shows them the one device that is checked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGEUI_", "PYTEST_"))}
    paths = [str(ROOT), str(ENGINE_SPEED), *filter(None, [os.environ.get("PYTHONPATH")])]
    chosen = {"cpu": "", "cuda": number or os.environ.get("CUDA_VISIBLE_DEVICES", "0")}[kind]
    # As a run sets it; CUDA reads it once, which the limits of the machine would come before.
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "CUDA_VISIBLE_DEVICES": chosen,
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


if __name__ == "__main__":
    sys.exit(main())
