"""`ageui compare`: compares runs side by side."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.command_group import FURTHER
from ageui.cli.completion import lists, runs, runs_or, words
from ageui.cli.options import AsJson, Database, Limit, Split, open_store
from ageui.cli.output import Force, chosen_format, print_or_write, refuse_target
from ageui.console.consoles import messages, results, sayer

if TYPE_CHECKING:
    from ageui.planning.stored_comparison import StoredComparison
    from ageui.store import Store


def compare_runs(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help="Ids, names, or terms that must all hold.",
            autocompletion=runs,
            show_default=False,
        ),
    ] = None,
    split: Split = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Show differences to this run, or to constant.",
            show_default=False,
            autocompletion=runs_or("constant"),
        ),
    ] = None,
    fold_seeds: Annotated[
        bool,
        typer.Option("--fold-seeds", help="Merge runs that differ only in their seed: mean ± std (n)."),
    ] = False,
    fold_across: Annotated[
        str | None,
        typer.Option(
            metavar="arithmetic,revision",
            help="Also merge runs that differ in arithmetic or revision.",
            autocompletion=lists("arithmetic", "revision"),
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    groups: Annotated[bool, typer.Option("--groups", help="Also show the MAE of every group.")] = False,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="A*B", help="Also show crossed groups, as in gender*ethnicity.", show_default=False),
    ] = None,
    figures: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Figures to add to MAE and biases: signed, gap, ratio, worst, standardised, cs5, slope, or none.",
            autocompletion=lists("signed", "gap", "ratio", "worst", "standardised", "cs5", "slope", "none"),
        ),
    ] = "signed",
    correct: Annotated[
        str,
        typer.Option(
            metavar="holm|bh|none",
            help="Correction of p-values for the number of tests.",
            autocompletion=words("holm", "bh", "none"),
            rich_help_panel=FURTHER,
        ),
    ] = "holm",
    margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="YEARS",
            help="Mark settings that differ by less with ≈.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    best: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE",
            help="Show the best setting by FIGURE, and the front.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option(metavar="FIGURE<=N", help="Limits for --best, as in age-bias<=3.", show_default=False),
    ] = "",
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="Queue the best setting with 5 other seeds."),
    ] = False,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="table|md|csv|tex|html|json|svg|pdf",
            help="Format (default: from the file's extension, else table).",
            autocompletion=words("table", "md", "csv", "tex", "html", "json", "svg", "pdf"),
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y",
            help="Figures or fields on the plot's axes (default: mae,age).",
            show_default=False,
        ),
    ] = None,
    methods: Annotated[
        bool, typer.Option("--methods", help="Write a methods paragraph instead: data, seeds, intervals, tests.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write (default: stdout).", show_default=False),
    ] = None,
    limit: Limit = None,
    force: Force = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs by MAE, the four biases, and the settings that differ.

    Marks show the best figures, biases within noise, and the Pareto front; ranks cover all five figures. Differences
    have 95% intervals from a paired bootstrap; between means over seeds, they include the seeds and need two or more on
    each side. For all marks: ageui explain bias.

        ageui compare first second --baseline first
        ageui compare tag=demo --fold-seeds --groups
        ageui compare tag=demo --best mae --where 'age-bias<=3'
        ageui compare tag=demo --fold-seeds -o plot.pdf --plot mae,gender
    """
    from ageui.cli.tables import advise_if_none_is_better, more_sentence, rows_to_show
    from ageui.compare import FORMATS, comparison_table, render_text
    from ageui.compare.best import Best
    from ageui.compare.comparison import Marking
    from ageui.compare.many_tests import known_correction
    from ageui.compare.measures import PLOT_FORMATS
    from ageui.compare.methods import METHODS_FORMATS, methods_text
    from ageui.compare.seed_figures import known_across
    from ageui.console.progress import count_progress
    from ageui.planning.stored_comparison import compare_stored
    from ageui.present.terminal import Blocks
    from ageui.text.sentences import counted
    from engine.errors import ConfigError

    if output is not None and output_format == "table":
        raise ConfigError("--format table is for the terminal; with --output, choose another format")
    if best is None and (where or confirm):
        raise ConfigError("--where and --confirm are about the best setting; add --best FIGURE, as in --best mae")
    formats = [*FORMATS, *PLOT_FORMATS] if output is None else [*FORMATS[1:], *PLOT_FORMATS]
    formats = list(METHODS_FORMATS) if methods else formats
    named = output_format or ("json" if as_json else None)
    chosen = chosen_format(named, output, formats, default=formats[0])
    if plot is not None and chosen not in PLOT_FORMATS:
        raise ConfigError(f"--plot {plot}: a plot is a file; add -o FILE.svg or -o FILE.pdf")
    refuse_target(output, force, streams=True)
    with open_store(db, read_only=not confirm) as store:
        with count_progress(messages()) as progress:
            found = compare_stored(
                store,
                references or [],
                split=split,
                baseline=baseline,
                fold_seeds=fold_seeds,
                fold_across=known_across(fold_across),
                further=[] if figures == "none" else [name.strip() for name in figures.split(",")],
                crossed=by or [],
                groups=groups,
                marking=Marking(known_correction(correct), margin),
                # A plot shows no differences or tests.
                tested=chosen not in PLOT_FORMATS,
                best=Best.of(best, where) if best is not None else None,
                progress=progress,
            )
        if confirm:
            _queue_repeats(store, found)
    comparison = found.comparison
    if chosen == "table":
        table = comparison_table(comparison)
        cut = replace(table, rows=table.rows[: rows_to_show(limit)])
        results().print(Blocks(cut, has_legend=True))
        if said := more_sentence(len(cut.rows), len(table.rows), "row"):
            sayer(messages())(said)
        advise_if_none_is_better(row.cells[0] for row in comparison.rows if row.kind == "run" and row.comparable)
        return
    if methods:
        print_or_write(methods_text(comparison, found.runs, chosen), output, "methods")
    elif chosen in PLOT_FORMATS:
        from ageui.report.comparison_plot import comparison_plot

        print_or_write(comparison_plot(comparison, chosen, plot), output, "plot")
    else:
        print_or_write(render_text(comparison, chosen), output, counted(len(comparison.rows), "row"))


def _queue_repeats(store: "Store", found: "StoredComparison") -> None:
    """Queues the repeats of the best setting and of the baseline, and says so."""
    from ageui.console.checked_queueing import queue_checked
    from ageui.planning.confirmation import CONFIRM
    from ageui.planning.stored_comparison import confirming_runs
    from ageui.text.sentences import counted

    console = messages()
    say = sayer(console)
    new = confirming_runs(store, found)
    if not new:
        say("the repeats are stored or queued already; see ageui queue")
        return
    ids = queue_checked(store, new, console, tags=[CONFIRM])
    say(f"{counted(len(ids), 'run')} queued with the tag {CONFIRM}; when they are done, compare again")
