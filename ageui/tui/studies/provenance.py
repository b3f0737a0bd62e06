"""The background of a study's table: sources of the published figures, warnings, settings, other variants."""

from ageui.present.marks import BEST, MEANINGS, NO_BETTER
from ageui.present.wording import note_text
from ageui.study import StudyTable, describe
from ageui.study.published_and_measured import legend
from ageui.study.variants import name_of, unlike_file
from ageui.study.wording import headline
from ageui.text.sentences import counted
from ageui.text.states import symbols_text


def provenance(table: StudyTable) -> list[str]:
    """Warnings first, then notes on the published figures, then the variants, starting with the visible one."""
    study = table.study
    lines = [f"{study.name}: {study.title}. {study.shows}".strip()]
    lines += [warning for warning in table.warnings]
    lines += [f"- {note}" for note in table.notes]
    if study.path is not None:
        lines.append(f"file: {study.path}")
    if table.variant is not None:
        lines += ["", f"shown: {describe(study, table.variant, table.variants)}"]
        unlike = unlike_file(study, table.variant)
        lines.append(f"unlike the study's file: {', '.join(unlike)}" if unlike else "settings as in the study's file")
    lines += [
        f"also run: {name_of(study, variant, table.variants)} ({counted(cells, 'cell')})"
        for variant, cells in table.others
    ]
    return lines


def explained(table: StudyTable) -> list[str]:
    """Explains every figure and mark of the table."""
    runs = f"n: measured seeds; {symbols_text()}; a percentage is a run's progress"
    marks = (f"{mark} {MEANINGS[mark]}" for mark in (BEST, NO_BETTER))
    return [headline(table), *map(note_text, legend(table)), *marks, runs]
