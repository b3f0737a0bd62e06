"""A report as one web page, without scripts or anything from elsewhere."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ageui.report.document import Document, Figure
from ageui.text.clean import clean


def as_html(document: Document) -> str:
    """The whole page, ending in a line feed."""
    return _environment().get_template("page.html").render(document=document) + "\n"


def _environment() -> Environment:
    """Templates whose every text from outside is cleaned, then escaped."""
    environment = Environment(
        loader=PackageLoader("ageui.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value, lines=True) if type(value) is str else value,
    )
    environment.filters["inline"] = _inline
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment


def _inline(figure: Figure) -> Markup:
    return Markup(figure.drawing.inline(figure.alt))
