"""How long `ageui --help` takes beside a bare Typer program. Run: python tests/benchmarks/help_time.py [REPEATS]"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer
app = typer.Typer()

@app.command()
def one(name: str = "x") -> None:
    "One."

@app.command()
def two(name: str = "x") -> None:
    "Two."

app()
"""


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        commands = {
            "bare typer --help": [sys.executable, str(bare), "--help"],
            "ageui --help": [sys.executable, "-c", "from ageui.cli import main; main()", "--help"],
            "ageui run --help": [sys.executable, "-c", "from ageui.cli import main; main()", "run", "--help"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(repeats + 1):
            for name, command in commands.items():
                times[name].append(seconds(command))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    bare_time = medians["bare typer --help"]
    for name, median in medians.items():
        print(f"{name:20} {median * 1000:6.0f} ms  {median / bare_time:.2f}x  (median of {repeats})")


if __name__ == "__main__":
    main()
