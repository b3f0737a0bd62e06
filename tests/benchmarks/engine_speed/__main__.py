"""How fast the engine trains, against a plain PyTorch loop, Lightning and Keras doing the same work on this device.

    python tests/benchmarks/engine_speed [--data FOLDER] [--init FILE] [--only TOPICS] [--repeats 3] [--out FOLDER]

The peers come with pip install -e '.[benchmarks]'; one that is not there is left out. Every way of training runs in a
fresh process, in turn with all others (a b c, a b c, …), and ratios are of figures from the same turn. With nothing
else to do, two cores take some 25 minutes.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import agreement
import beside
import frozen
import growth
import phases
import steps
import sweep
from children import measured
from faces import FaceFolders
from tables import table
from topic import Asked, say
from work import STEP_WORKS, WAYS

TOPICS: dict[str, ModuleType] = {
    "steps": steps,
    "agreement": agreement,
    "frozen": frozen,
    "sweep": sweep,
    "growth": growth,
    "phases": phases,
    "beside": beside,
}


def main() -> None:
    arguments = _arguments()
    topics = arguments.only.split(",") if arguments.only else list(TOPICS)
    if unknown := [topic for topic in topics if topic not in TOPICS]:
        raise SystemExit(f"--only {','.join(unknown)}: the topics are {', '.join(TOPICS)}")
    arguments.out = arguments.out.absolute()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.out) as name:
        folder = Path(name)
        say("limits of the machine")
        networks = {(work.backbone, work.size) for work in STEP_WORKS} | set(growth.NETWORKS)
        asked = Asked(
            faces=FaceFolders(arguments.data, folder),
            folder=folder,
            repeats=arguments.repeats,
            backbone=arguments.backbone,
            init=str(arguments.init.absolute()) if arguments.init else "random",
            ways=tuple(way for way in WAYS if way.is_installed),
            machine=measured("machine", networks=sorted(networks)).found,
        )
        found: dict[str, Any] = {}
        parts = [_head(asked)]
        for topic in topics:
            say(topic)
            found[topic] = TOPICS[topic].measure(asked)
            parts.append(TOPICS[topic].shown(found[topic], asked))
            # Written after every topic: what was measured is not lost with what fails later.
            _write(arguments.out, asked, found, parts)
    print("\n\n".join(parts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks/engine_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of a course edition with images as files; else drawn faces")
    parser.add_argument("--init", type=Path, help="weights file for --backbone, where features count; else random")
    parser.add_argument("--backbone", default="resnet50-v1@layer3", help="of frozen, sweep and phases (%(default)s)")
    parser.add_argument("--only", help=f"topics, by commas, of {','.join(TOPICS)}; else all")
    parser.add_argument("--repeats", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("engine-speed"), help="folder for JSON and Markdown")
    return parser.parse_args()


def _head(asked: Asked) -> str:
    machine, limits = asked.machine, asked.machine["limits"]
    missing = [way for way in WAYS if not way.is_installed]
    lines = [
        f"# Speed of the engine, {date.today()}",
        f"{machine['device']}, {machine['cores']} cores, {machine['threads']} threads; "
        + ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        + f"; images: {asked.faces.name}; weights: {'random' if asked.init == 'random' else Path(asked.init).name}.",
        f"Limits, measured: matrix product {limits['fp32_gflops']:,.0f} GFLOP/s in fp32, {limits['bf16_gflops']:,.0f} "
        f"in bf16; copying {limits['copy_gigabytes_per_second']:.1f} GB/s (read and written).",
        table(("way", "what it is"), [(way.name, way.says) for way in asked.ways]).replace("--:", "---"),
    ]
    lines += [
        f"{way.name} is left out: {way.needs} is not installed, which pip install -e '.[benchmarks]' does."
        for way in missing
    ]
    return "\n\n".join(lines)


def _write(out: Path, asked: Asked, found: dict[str, Any], parts: list[str]) -> None:
    everything = {"machine": asked.machine, "images": asked.faces.name, "repeats": asked.repeats, **found}
    (out / "engine-speed.json").write_text(json.dumps(everything, indent=1) + "\n")
    (out / "engine-speed.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
