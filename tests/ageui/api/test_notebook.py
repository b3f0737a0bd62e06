"""The notebook of assets runs in a kernel of its own, and its cells show tables and curves."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.process

NOTEBOOK = Path(__file__).parents[3] / "assets" / "runs.ipynb"


def test_the_notebook_runs_and_shows_its_tables(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "stored without outputs"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    repr_, runs, _, comparison, frame, plot, best, run = shown
    assert repr_["text/plain"] == "<Database runs.db: 253 runs>"
    assert "placid-oyster" in runs["text/html"]
    assert "the settings differ" in comparison["text/html"]
    assert "True" in frame["text/html"]
    assert plot["image/svg+xml"].startswith("<svg")
    assert "lowest MAE with age bias &lt;= 4.3" in best["text/html"]
    assert "<svg" in run["text/html"]
