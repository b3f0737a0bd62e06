"""A report as one web page that needs no scripts and no other file."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ageui.present import html
from ageui.present.table import Table
from ageui.report.document import Document, Plot
from ageui.text.clean import clean


def as_html(document: Document) -> str:
    """The whole page, ending in a line feed."""
    return _environment().get_template("page.html").render(document=document) + "\n"


def _environment() -> Environment:
    """Templates that clean and escape every text from outside."""
    environment = Environment(
        loader=PackageLoader("ageui.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value, lines=True) if type(value) is str else value,
    )
    environment.filters["inline"] = _inline
    environment.filters["table"] = _table
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment


def _inline(plot: Plot) -> Markup:
    return Markup(plot.drawing.inline(plot.alt))


def _table(table: Table, *, with_title: bool) -> Markup:
    return Markup(html.table_text(table, with_title=with_title))
