"""The published figures of the report's tables as rows of a database."""

from ageui.store import PublishedRun, Store
from ageui.study.study import Study, StudyCell, studies
from ageui.study.variants import REPORT_DATA
from ageui.text.sentences import counted


def publish(store: Store) -> tuple[int, int]:
    """Stores a run for every published cell with a config, replacing earlier ones. Returns the number of published
    runs, and how many of them are new."""
    runs = published_runs()
    return len(runs), store.scores.publish(runs)


def published_runs() -> list[PublishedRun]:
    """The published runs, named like `report/table8/mse-16`. `final` only repeats the figures of `table10`."""
    tables = [study for study in studies() if study.name.startswith("table")]
    return [_run(study, cell) for study in tables for cell in study.runnable if cell.published]


def _run(study: Study, cell: StudyCell) -> PublishedRun:
    config = study.config(cell).model_copy(update={"data": REPORT_DATA.name})
    figures = {name: value for name, value in cell.published.items() if name != "minutes"}
    minutes = cell.published.get("minutes")
    took = [counted(round(minutes), "minute")] if minutes is not None else []
    sentences = [f"{study.title}: {', '.join([cell.label, *took])}.", *filter(None, [cell.note]), *study.notes]
    return PublishedRun(f"report/{study.name}/{cell.name}", config, REPORT_DATA, figures, " ".join(sentences))
