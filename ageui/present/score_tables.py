"""What a run scored as tables: of every split its figures, of one its groups and biases; or what was published."""

from rich.table import Table
from rich.text import Text

from ageui.store import BiasResult, Interval, RunDetail, SplitScores, Summary
from ageui.text.clean import clean
from ageui.text.sentences import between

DASH = "—"
_BAR = 12


def scores_table(detail: RunDetail) -> Table:
    """A row per figure and a column per split, so that it fits 80 columns however many attributes there are."""
    attributes = list(dict.fromkeys(bias.attribute for scores in detail.results for bias in scores.result.biases))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("")
    for scores in detail.results:
        table.add_column(scores.split, no_wrap=True)
    table.add_row("images", *(f"{scores.result.n:>6}" for scores in detail.results))
    table.add_row("MAE", *(_figure(scores.result.mae, scores.result.mae_interval) for scores in detail.results))
    for attribute in attributes:
        found = (scores.result.bias(attribute) for scores in detail.results)
        table.add_row(Text(f"{clean(attribute)} bias"), *(_bias_cell(bias) for bias in found))
    table.add_row("signed error", *(f"{scores.result.signed:>+6.2f}" for scores in detail.results))
    baselines = [scores.result.baseline for scores in detail.results]
    table.add_row("MAE of constant", *(_figure(baseline.mae if baseline else None) for baseline in baselines))
    return table


def published_table(summary: Summary) -> Table:
    """The figures that were published of a run, a row each."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("", justify="right")
    figures = {"MAE": summary.mae, **{f"{attribute} bias": value for attribute, value in summary.bias.items()}}
    for what, value in figures.items():
        if value is not None:
            table.add_row(what, f"{value:.2f}")
    if summary.best_val_loss is not None:
        table.add_row("validation loss", f"{summary.best_val_loss:g}")
    return table


def _bias_cell(bias: BiasResult | None) -> str:
    if bias is None:
        return _figure(None)
    return _figure(bias.value, bias.interval, "~" if bias.inside_noise else " ")


def _figure(value: float | None, interval: Interval | None = None, mark: str = " ") -> str:
    if value is None:
        return f"{DASH:>6}"
    width = f"  {between(interval)}" if interval else ""
    return f"{value:>6.2f}{mark}{width}"


def explanations(results: tuple[SplitScores, ...]) -> list[str]:
    """What the figures and marks of these tables mean, and why some are missing."""
    lines = [
        "in years, with 95% bootstrap intervals; a bias is the mean gap between the MAEs of an attribute's groups",
        "~ no larger than chance alone would make it (95%)   constant: always says the train mean   "
        "signed: predicted - true age   more: ageui explain bias",
    ]
    for scores in results:
        lines += [f"— {b.attribute} bias on {scores.split}: {b.reason}" for b in scores.result.biases if b.reason]
        missing = [f"{b.missing} of {b.attribute}" for b in scores.result.biases if b.missing]
        lines += [f"{scores.split}: no value for {', '.join(missing)}"] if missing else []
    return lines


def groups_table(scores: SplitScores) -> Table:
    """A row per group, and below the groups of an attribute the gap between the worst and the best."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=f"groups of {scores.split}", title_justify="left"
    )
    table.add_column("attribute")
    table.add_column("group")
    for name in ("images", "MAE", "95%", "signed"):
        table.add_column(name, justify="right")
    table.add_column("")
    largest = max((g.mae for bias in scores.result.biases for g in bias.groups if g.mae is not None), default=1.0)
    for bias in scores.result.biases:
        for place, group in enumerate(bias.groups):
            worst = "  worst" if bias.worst == group and len(bias.groups) > 1 else ""
            table.add_row(
                Text(clean(bias.attribute) if place == 0 else ""),
                Text(clean(group.group)),
                f"{group.n}",
                DASH if group.mae is None else f"{group.mae:.2f}",
                between(group.interval),
                DASH if group.signed is None else f"{group.signed:+.2f}",
                "" if group.mae is None else "▇" * round(_BAR * group.mae / max(largest, 1e-9)) + worst,
            )
        if bias.gap is not None and len(bias.groups) > 2:
            width = between(bias.gap_interval)
            table.add_row("", Text("worst − best", style="dim"), "", f"{bias.gap:.2f}", width, "", "")
    return table


def biases_table(scores: SplitScores) -> Table:
    """A row per attribute: its bias, the interval, what noise alone gives, and the worst group."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=f"biases on {scores.split}", title_justify="left"
    )
    table.add_column("attribute")
    for name in ("bias", "95%", "noise, mean", "noise, 95%", "worst group", "95%"):
        table.add_column(name, justify="right")
    for bias in scores.result.biases:
        worst, noise = bias.worst, bias.noise
        table.add_row(
            Text(clean(bias.attribute)),
            DASH if bias.value is None else f"{bias.value:.2f}{'~' if bias.inside_noise else ' '}",
            between(bias.interval),
            DASH if noise is None else f"{noise.mean:.2f}",
            DASH if noise is None else f"{noise.p95:.2f}",
            Text(DASH if worst is None else clean(f"{worst.group} {worst.mae:.2f}")),
            between(bias.worst_interval),
        )
    return table
