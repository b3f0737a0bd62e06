"""Prints a run for `ageui show`: its config, its history and its scores."""

import math
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from ageui.cli.tables import is_too_wide
from ageui.compare.attribute_table import attribute_sentences, one_attribute_table
from ageui.compare.crossed_groups import CROSS
from ageui.compare.run_tables import explanations, groups_table, published_table, scores_table
from ageui.console.consoles import print_prose, results
from ageui.present.bars import sparkline
from ageui.present.figures import EPOCH_LOSS, number
from ageui.present.terminal import rich_table, shortened
from ageui.store import RunDetail, SplitScores
from ageui.text.clean import clean
from ageui.text.folds import fold_sentence
from ageui.text.sentences import counted, gigabytes
from ageui.text.states import state_of, why_no_scores
from engine.errors import ConfigError

_LONGEST_COMMAND = 300


def print_run(detail: RunDetail, command: str | None, *, full: bool = False, memory: str = "") -> None:
    """Prints a run to stdout, with the command that trains it again, cut to one line unless `full`.

    `memory` is its expected peak memory, in words.
    """
    console = results()
    if command and not full and len(command) > _LONGEST_COMMAND:
        hint = f"for the full command: ageui show {detail.id} --full"
        command = f"{shortened(command, console.width)}\n{hint}"
    if detail.row.is_published:
        _print_published(console, detail, command)
        return
    _print_head(console, detail, command, memory)
    _print_history(console, detail)
    if not detail.results:
        console.print(f"\n{why_no_scores(detail.row)}", soft_wrap=True)
        return
    console.print()
    _print_scores(console, detail, detail.primary_scores)


def print_scores(detail: RunDetail, scores: SplitScores) -> None:
    """Prints a run's scores on one split to stdout."""
    _print_scores(results(), replace(detail, results=(scores,)), scores)


def _print_scores(console: Console, detail: RunDetail, primary: SplitScores | None) -> None:
    if is_too_wide(console, scores_table(detail)):
        for scores in detail.results:
            console.print(rich_table(scores_table(replace(detail, results=(scores,)))))
            console.print()
    else:
        console.print(rich_table(scores_table(detail)))
    for line in explanations(detail):
        print_prose(console, line)
    if primary is not None:
        console.print()
        console.print(rich_table(groups_table(primary)))


def print_groups(detail: RunDetail, attribute: str, split: str | None, against: str | None) -> None:
    """Prints the groups of an attribute on a split (default: test, valid or train).

    Raises `ConfigError` if the run lacks the split, the attribute or the group.
    """
    scores = detail.scores(split) if split is not None else detail.primary_scores
    if scores is None:
        there = ", ".join(one.split for one in detail.results)
        raise ConfigError(f"run {detail.id} has no scores{f' on {split}; choose one of {there}' if there else ''}")
    bias = scores.result.bias(attribute)
    if bias is None:
        if CROSS in attribute:
            raise ConfigError(
                f"--by {attribute}: crossed groups need predictions, but run {detail.id} has none for {scores.split}; "
                "choose one attribute"
            )
        known = ", ".join(one.attribute for one in scores.result.biases)
        raise ConfigError(f"--by {attribute}: run {detail.id} has no scores by this attribute; choose one of {known}")
    if against is not None and against not in [group.group for group in bias.groups]:
        known = ", ".join(group.group for group in bias.groups)
        raise ConfigError(f"--against: {attribute} has no group {against!r}; choose one of {known}")
    console = results()
    console.print(rich_table(one_attribute_table(scores, bias, against)))
    for line in attribute_sentences(bias):
        print_prose(console, line)


def _print_published(console: Console, detail: RunDetail, command: str | None) -> None:
    """Prints a published or imported run: its figures, note and history, and the command that trains its config."""
    row = detail.row
    console.print(Text(clean(f"run {row.id}  {row.name}  {state_of(row)}"), style="bold"), soft_wrap=True)
    if command:
        console.print(Text(clean(f"train the same config: {command}", lines=True), style="dim"), soft_wrap=True)
    if row.note:
        console.print(Text(clean(row.note)), soft_wrap=True)
    console.print()
    console.print(rich_table(published_table(row.summary)))
    _print_history(console, detail)
    print_prose(console, why_no_scores(row), "dim")


def _print_head(console: Console, detail: RunDetail, command: str | None, memory: str) -> None:
    row = detail.row
    seconds = sum(attempt.seconds or 0.0 for attempt in detail.attempts)
    took = f" in {seconds:.1f} s" if row.ended_at and seconds else ""
    state = state_of(row) if row.is_derived else row.status
    tags = f"  #{' #'.join(row.tags)}" if row.tags else ""
    console.print(Text(clean(f"run {row.id}  {row.name}  {state}{took}{tags}"), style="bold"), soft_wrap=True)
    if row.error:
        console.print(Text("\n".join(clean(line) for line in row.error.splitlines())), soft_wrap=True)
    if command:
        console.print(Text(clean(command, lines=True), style="dim"), soft_wrap=True)
    if detail.derived_from is not None:
        made = detail.derived_from
        for line in (f"{row.config['derived']}, made from {made.source_names}", made.note, detail.pretraining):
            if line:
                console.print(Text(clean(line)), soft_wrap=True)
    elif sentence := fold_sentence(detail.data_spec):
        console.print(sentence)
    if detail.manifest and detail.derived_from is None:
        placement = f"computed on {detail.manifest['device']}: {detail.manifest['placement']}"
        console.print(Text(clean(placement)), soft_wrap=True)
    if detail.first_weights:
        console.print(Text(clean(f"first weights: {detail.first_weights}")), soft_wrap=True)
    if detail.peak_memory_bytes is not None:
        memory = gigabytes(detail.peak_memory_bytes)
    if memory:
        console.print(f"peak memory: {memory}", soft_wrap=True)
    for file in detail.checkpoints:
        what = f"best weights of epoch {file.epoch}" if file.kind == "best" else f"checkpoint after step {file.step:,}"
        console.print(Text(f"{what}: {clean(file.path)}, sha256 {file.sha256[:12]}…"), soft_wrap=True)
    _print_attempts(console, detail)


def _print_attempts(console: Console, detail: RunDetail) -> None:
    """Prints a line per attempt if there are several, and the number of points that each repeated."""
    for attempt in detail.attempts if len(detail.attempts) > 1 else ():
        since = f" after step {attempt.step:,}" if attempt.step else ""
        ended = attempt.outcome or "runs"
        why = f": {attempt.reason.splitlines()[0]}" if attempt.reason and attempt.outcome != "done" else ""
        place = f" ({attempt.where})" if attempt.where is not None else ""
        line = f"attempt {attempt.number}{since} on {attempt.worker or 'foreground'}{place}: {ended}{why}"
        console.print(Text(clean(line)), soft_wrap=True)
    for attempt in detail.attempts:
        if attempt.replayed:
            verdict = f"{attempt.differing} differ" if attempt.differing else "all identical"
            line = f"attempt {attempt.number} repeated {counted(attempt.replayed, 'stored point')}: {verdict}"
            console.print(Text(line), soft_wrap=True)


def _print_history(console: Console, detail: RunDetail) -> None:
    history = detail.history
    if not history:
        return
    last = history[-1]
    losses = [epoch.val_loss for epoch in history if epoch.val_loss is not None]
    ends = " → ".join(number(loss, EPOCH_LOSS) for loss in (losses[0], losses[-1])) if losses else ""
    curve = f"  val loss {sparkline(losses)} {ends}" if losses else ""
    best = next((epoch for epoch in reversed(history) if epoch.is_best), None)
    kept = f"  best epoch {best.epoch}" if best and losses else ""
    seconds = sum(epoch.seconds for epoch in history)
    took = f" in {seconds:.1f} s" if not math.isnan(seconds) else ""
    console.print(f"{counted(last.epoch, 'epoch')}{took}{curve}{kept}", soft_wrap=True)
    scored = next((epoch for epoch in reversed(history) if epoch.scores is not None), None)
    if scored is not None and scored.scores is not None and not detail.results:
        biases = "".join(f", {name} bias {number(value)}" for name, value in scored.scores.bias.items())
        line = f"valid after epoch {scored.epoch}: MAE {number(scored.scores.mae)}{biases} (years)"
        console.print(Text(clean(line)), soft_wrap=True)
