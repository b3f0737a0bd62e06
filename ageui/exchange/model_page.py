"""README.md of an exported model: what it is for, its figures and biases, and its model card."""

import json
from typing import Any, Final

from ageui.compare.comparison_cache import ComparisonCache
from ageui.present.table import Table
from ageui.report.document import Bullets, Code, Document, Paragraph, Section
from ageui.report.markdown_files import as_markdown
from ageui.report.model_card import model_card
from ageui.report.run_report import run_facts
from ageui.report.run_sections import groups_section, lead, scores_section
from ageui.store import RunDetail

_TAGS: Final = ("age-estimation", "face", "fairness", "ageui")


def model_page(run: RunDetail, how_to_use: str | None) -> str:
    """The text in Markdown, after the front matter that a Hugging Face hub reads.

    Parameters
    ----------
    run
        A run without private parts, see `shareable`.
    how_to_use
        The command that predicts with the files beside it; None without weights.
    """
    split = run.primary_scores.split if run.primary_scores is not None else None
    facts = run_facts(run, split, lambda run_id, split: None, ComparisonCache())
    use = [Section("How to use it", (Code(how_to_use),))] if how_to_use else []
    sections = [*use, *map(_without_plots, (scores_section(facts), groups_section(facts))), model_card(facts)]
    warning = Paragraph("For research into errors and biases. Do not use it to decide about anybody.")
    document = Document(run.name, (warning, *lead(facts)), tuple(one for one in sections if one.blocks or one.parts))
    text, _ = as_markdown(document, "")
    return f"---\n{_front_matter(run)}---\n\n{text}"


def _without_plots(section: Section) -> Section:
    return Section(section.title, tuple(one for one in section.blocks if isinstance(one, Bullets | Paragraph | Table)))


def _front_matter(run: RunDetail) -> str:
    """The front matter of a model card: YAML, written as JSON values."""
    fields: dict[str, Any] = {"tags": _TAGS, "library_name": "pytorch", "metrics": ["mae"]}
    scores = run.primary_scores
    if scores is not None:
        biases = [(f"{bias.attribute} bias in years", bias.value) for bias in scores.result.biases]
        figures = [("MAE in years", scores.result.mae), *biases]
        fields["model-index"] = [
            {
                "name": run.name,
                "results": [
                    {
                        "task": {"type": "image-regression", "name": "age from a face"},
                        "dataset": {"type": scores.data_name, "name": scores.data_name, "split": scores.split},
                        "metrics": [
                            {"type": "mae" if name.startswith("MAE") else "bias", "name": name, "value": value}
                            for name, value in figures
                            if value is not None
                        ],
                    }
                ],
            }
        ]
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
