"""What a cheap command must not import, seen in the interpreter that ran it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

HEAVY = ("torch", "torchvision", "pandas", "numpy", "textual", "sqlmodel", "sqlalchemy", "PIL", "matplotlib", "jinja2")


def _modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.rpartition("MODULES ")[2].split()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["sweep", "--help"],
        ["study", "run", "--help"],
        ["worker", "--help"],
        [],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "sys.argv = ['ageui', *" + repr(arguments) + "]\n"
        "from ageui.cli import main\n"
        "try: main()\nexcept SystemExit: pass"
    )
    modules = _modules_after(code)
    assert "typer" in modules
    assert not modules & set(HEAVY)


def test_a_listing_of_the_queue_loads_no_code_that_trains() -> None:
    code = (
        "import ageui.worker.background_workers, ageui.cli.queue_table; assert 'ageui.worker.lane' not in sys.modules"
    )
    assert "psutil" not in _modules_after(code)


def test_completion_imports_nothing_heavy() -> None:
    code = (
        "import os\n"
        "os.environ |= {'_AGEUI_COMPLETE': 'complete_bash', 'COMP_WORDS': 'ageui show x', 'COMP_CWORD': '2'}\n"
        "from ageui.cli import main\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert not _modules_after(code) & set(HEAVY)


@pytest.mark.parametrize(
    "module",
    [
        "engine.fairness",
        "engine.config",
        "engine.events",
        "engine.wire",
        "engine.__main__",
        "engine.data",
        "ageui.compare",
        "ageui.report",
        "ageui.store",
        "ageui.study",
        "ageui.worker.foreground",
        "ageui.worker.__main__",
        "ageui.planning.plan",
        "ageui.tui.new_run.screen",
    ],
)
def test_what_needs_no_network_needs_no_torch(module: str) -> None:
    assert "torch" not in _modules_after(f"import {module}")


def test_the_application_and_the_worker_hold_no_library_they_do_not_need() -> None:
    """Each of these would cost tens of megabytes and up to seconds."""
    modules = _modules_after("import ageui.tui.launch, ageui.tui.run.screen, ageui.worker.__main__")
    assert not {"torch", "pandas", "pyarrow", "PIL", "matplotlib", "jinja2"} & modules


def test_plots_are_what_imports_the_plotting_library() -> None:
    assert not {"matplotlib", "torch", "pandas"} & _modules_after("import ageui.report, ageui.cli.report")
