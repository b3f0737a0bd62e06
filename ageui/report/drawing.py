"""Plots drawn by matplotlib: SVG, reduced and prepared for dark pages, and PDF. Equal input gives equal bytes."""

import io
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from ageui.text.clean import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2328"
_PAPER = "#ffffff"
_FONTS = "'DejaVu Sans', Verdana, sans-serif"
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "path.simplify": False,
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
}
_DECIMALS = re.compile(r"(\.\d\d)\d+")
# A dot: a line of no length with round ends.
_DOT = re.compile(r"M (\S+) (\S+) L \1 \2(?= |$)")
_FAMILY = re.compile(r"font-family: [^;]*;\s*")
_POINTED_AT = re.compile(r"#([\w-]+)")


@dataclass(frozen=True)
class Drawing:
    """The content of an `<svg>` element; `width` and `height` in points."""

    width: float
    height: float
    body: str

    def inline(self, alt: str) -> str:
        """An element for a page, with lines and letters in the colour of the surrounding text."""
        return f'<svg {self._box} role="img" aria-label={_quoted(alt)}>{self.body.replace(INK, "currentColor")}</svg>'

    def file(self, alt: str) -> str:
        """A complete file, on white."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {self._box} role="img"><title>{escape(clean(alt))}</title>'
            f'<rect width="100%" height="100%" fill="{_PAPER}"/>{self.body}</svg>\n'
        )

    @property
    def _box(self) -> str:
        box = f'width="{self.width:g}pt" height="{self.height:g}pt" viewBox="0 0 {self.width:g} {self.height:g}"'
        return f'{box} font-family="{_FONTS}" stroke-linejoin="round"'


def draw(name: str, inches: tuple[float, float], paint: "Callable[[Figure], None]") -> Drawing:
    """Draws what `paint` puts on an empty figure of that width and height.

    `name` is unique on the page, since ids in the drawing derive from it. Settings files of matplotlib and its
    environment variables have no effect.
    """
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    svg = _saved(inches, paint, {"svg.hashsalt": name}, format="svg", metadata=nothing, transparent=True)
    width, height = (72 * side for side in inches)
    return Drawing(width, height, _made_small(svg.decode()))


def draw_pdf(inches: tuple[float, float], paint: "Callable[[Figure], None]") -> bytes:
    """As `draw`, as a PDF file on white with its fonts inside, without a date or the name of a program."""
    nothing = dict.fromkeys(("Creator", "Producer", "CreationDate"))
    return _saved(inches, paint, {"pdf.fonttype": 42}, format="pdf", metadata=nothing)


def _saved(
    inches: tuple[float, float], paint: "Callable[[Figure], None]", settings: dict[Any, Any], **options: Any
) -> bytes:
    with _undisturbed():
        import matplotlib
        from matplotlib.figure import Figure

    content = io.BytesIO()
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
    with matplotlib.rc_context({**defaults, **_SETTINGS, **settings}), warnings.catch_warnings():
        # In SVG letters stay text: a reader's fonts draw those that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=inches, layout="constrained")
        paint(figure)
        figure.savefig(content, **options)
    return content.getvalue()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hides MPLBACKEND while matplotlib is imported: a notebook's value names a backend that is missing here."""
    backend, log = os.environ.pop("MPLBACKEND", None), logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


def _made_small(svg: str) -> str:
    """The content of an SVG file without repeated styles, links to the outside and unused ids."""
    root = ElementTree.fromstring(svg)
    used = set(_POINTED_AT.findall(" ".join(value for node in root.iter() for value in node.attrib.values())))
    for node in root.iter():
        node.tag = _local(node.tag)
        node.attrib = {_local(name): value for name, value in node.attrib.items()}
        if node.get("id") not in used:
            node.attrib.pop("id", None)
        for name in {"d", "x", "y", "transform", "width", "height"} & node.attrib.keys():
            node.attrib[name] = _DECIMALS.sub(r"\1", node.attrib[name])
        if "d" in node.attrib:
            node.attrib["d"] = _DOT.sub(r"M\1 \2h0", " ".join(node.attrib["d"].split()))
        if "style" in node.attrib:
            node.attrib["style"] = _FAMILY.sub("", node.attrib["style"])
        node.text, node.tail = (text if text and text.strip() else None for text in (node.text, node.tail))
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in ("style", "metadata")]:
            parent.remove(child)
    return "".join(ElementTree.tostring(child, encoding="unicode") for child in root)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _quoted(text: str) -> str:
    return quoteattr(clean(text))
