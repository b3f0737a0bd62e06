"""A report is one page that needs nothing else, is the same bytes each time, and keeps text from outside text."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
from report_rows import Page, done_run, measured

from ageui.present.table import Cell, Column, Spread, Table, words
from ageui.report import as_html, as_markdown, is_plot, report
from ageui.report.document import Code, Document, Folded, Paragraph, Section
from ageui.store import RunDetail, Store

HOSTILE = [
    "<script>alert(1)</script>",
    "$x_^$%&#{}~\\",
    "a|b",
    "\x1b[2Jcls",
    "\u202eevil",
    "</text></svg><b>&amp;\"'",
    "漢字",
]


def _hostile(store: Store) -> RunDetail:
    """A run whose images, groups, error and note try to break out."""
    names = [f"{text}{number}.jpg" for number, text in enumerate(HOSTILE * 6)]
    run = done_run(store, scored=measured(names, [*HOSTILE * 6], attribute="<i>`kind`|"))
    return replace(run, row=replace(run.row, name="[x](y) <u>", note="\n# <img src=x>", error="```\n<a href=x>\n````"))


def _document(store: Store, *runs: RunDetail) -> Document:
    return report(runs, store.scores.predictions)


def test_the_page_loads_nothing_and_runs_nothing(store: Store) -> None:
    html = as_html(_document(store, _hostile(store), done_run(store, "other")))
    page = Page(html)
    assert not {"script", "link", "img", "image", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert "svg" in page.tags
    assert page.tags.count("style") == 1
    assert "http" not in html
    assert "@import" not in html
    assert all(value.startswith("#") for name in ("href", "xlink:href", "src") for value in page.values(name))
    assert set(re.findall(r"url\((.)", html)) == {"#"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    # Every pointer has one target, and what has a name is pointed at.
    names = page.values("id")
    assert len(names) == len(set(names))
    pointed_at = {value[1:] for value in page.values("href")} | set(re.findall(r"url\(#([^)]+)\)", html))
    assert pointed_at <= set(names)
    assert pointed_at >= {name for name in names if not name.startswith("s")}


def test_text_from_outside_stays_text(store: Store) -> None:
    document = _document(store, _hostile(store))
    html = as_html(document)
    page = Page(html)
    assert not {"i", "u", "b", "img"} & set(page.tags)
    assert "[x](y) <u>" in page.texts
    assert "```\n<a href=x>\n````" in page.texts
    assert any(text.startswith("<script>alert(1)</script>") for text in page.texts)
    for hidden in ("\x1b", "\u202e"):
        assert hidden not in html
    text, files = as_markdown(document, "x")
    assert text.startswith("# \\[x\\](y) \\<u\\>\n")
    assert "\n`````\n```\n<a href=x>\n````\n`````\n" in text
    assert "<script" not in "".join(files.values())
    assert "\x1b" not in text + "".join(files.values())
    # Every row of a table has its cells.
    block: list[int] = []
    seen = 0
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line.replace("\\|", "").count("|"))
        elif block:
            assert len(set(block)) == 1
            seen, block = seen + 1, []
    assert seen == 7


def test_the_same_run_gives_the_same_bytes(store: Store) -> None:
    run = done_run(store, scored=measured([str(number) for number in range(60)], ["male", "female"] * 30))
    first = as_html(_document(store, run))
    text, files = as_markdown(_document(store, run), "x")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": False, "svg.fonttype": "path", "lines.linewidth": 7}):
        assert as_html(_document(store, run)) == first
        assert as_markdown(_document(store, run), "x") == (text, files)


def test_markdown_has_its_plots_as_files(store: Store) -> None:
    run = done_run(store, scored=measured([str(number) for number in range(9)], ["male", "female", None] * 3))
    text, files = as_markdown(_document(store, run), "my report_files")
    assert list(files) == ["run-1-curves.svg", "run-1-predictions.svg", "run-1-groups.svg"]
    assert all(map(is_plot, files))
    assert all(map(is_plot, ("comparison.svg", "curves.svg")))
    assert re.findall(r"^!\[.+\]\((.+)\)$", text, re.MULTILINE) == [f"my%20report_files/{name}" for name in files]
    for content in files.values():
        root = ElementTree.fromstring(content)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root[0].tag.endswith("title")
        assert root[0].text
        assert content.count("http") == 1
        assert "currentColor" not in content


def test_blocks_in_both_formats() -> None:
    figure = Cell(1.0, spread=Spread(0.1, 2), best=True)
    table = Table((Column("name"), Column("figure", "figure")), ((words("a"), figure),), "A <caption>")
    parts = (Section("P", (Folded(table),)),)
    document = Document("T", (Paragraph("1 < 2"),), (Section("S", (Code("x\ny"),), parts),))
    html = as_html(document)
    assert (
        '<section id="s1">\n<h2>S</h2>\n<pre tabindex="0"><code>x\ny</code></pre>\n<section id="s1-1">\n<h3>P</h3>'
        in html
    )
    assert "<details><summary>A &lt;caption&gt;</summary>\n" in html
    assert '<th scope="col">name</th><th scope="col" class="figure">figure</th>' in html
    assert (
        '<tr><th scope="row">a</th><td class="figure"><strong>1.00</strong> ★ <small>±0.10 (n=2)</small></td></tr>'
        in html
    )
    assert (
        as_markdown(document, "x")[0]
        == r"""# T

1 \< 2

## S

```
x
y
```

### P

<details><summary>A &lt;caption&gt;</summary>

| name | figure |
| --- | ---: |
| a | **1.00** ★ ±0.10 (n=2) |

</details>
"""
    )
