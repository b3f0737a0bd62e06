"""The head of a run's screen: state and progress, settings, and figures, in a line each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import short_title
from ageui.present.bars import progress_bar, sparkline
from ageui.present.figures import between, duration, number
from ageui.present.marks import NO_BETTER, NOISE
from ageui.present.table import Tone
from ageui.present.terminal import shortened
from ageui.store import Epoch, RunDetail, SplitScores
from ageui.text.clean import clean
from ageui.text.sentences import counted, gigabytes
from ageui.text.states import not_trained_text, state_of, why_no_scores
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.queue_state import eta_text
from ageui.tui.tones import state_tone
from engine.choices import REPORT_ATTRIBUTES

_TIME, _WIDE_FROM = 7, 100
_BAR, _WIDE_BAR, _SPARKS, _WIDE_SPARKS = 6, 10, 6, 16
_SHORTEST_NAME, _LONGEST_NAME, _LONGEST_ATTRIBUTE = 14, 40, 16
_GAP = "  "
_DOT = " · "


@dataclass(frozen=True)
class Head:
    """The contents of the head: a run, the scores of the chosen split, if any, the reason to wait if the run is queued,
    the load of the devices, and a sentence about the expected peak memory."""

    detail: RunDetail
    scores: SplitScores | None
    waiting: str
    loads: tuple[DeviceLoad, ...]
    memory: str

    def lines(self, width: int, styles: Mapping[Tone, Style]) -> tuple[Text, Text, Text]:
        """Three lines of at most `width` cells. The least important parts are omitted if room is short."""
        lines = self._state(width, styles), self._settings(width), self._figures(width)
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return lines

    def _state(self, width: int, styles: Mapping[Tone, Style]) -> Text:
        row = self.detail.row
        state = Text(state_of(row), style=styles[state_tone(row.status)])
        room = width - state.cell_len - len(_GAP)
        name = clean(row.name)
        least = min(cell_len(name), _SHORTEST_NAME if row.status == "running" else _LONGEST_NAME)
        progress = _fitting(self._progress(width), room - least - len(_GAP), _GAP)
        if row.status != "running":
            state.append(_GAP).append(shortened(name, min(_LONGEST_NAME, room)), style="bold")
            if progress:
                state.append(_GAP + progress)
            if row.error and row.status != "queued":
                style = styles["bad" if row.status in ("failed", "diverged") else "dim"]
                state.append(_DOT + clean(row.error.splitlines()[0]), style=style)
            return state
        # The progress ends at the right edge, and its parts keep their widths, so that nothing moves.
        name = set_cell_size(shortened(name, room - cell_len(progress) - len(_GAP)), room - cell_len(progress))
        return state.append(_GAP).append(name, style="bold").append(progress)

    def _progress(self, width: int) -> list[str]:
        """The parts of the progress, the most important first."""
        row, summary, took = self.detail.row, self.detail.row.summary, self._seconds
        if row.is_published:
            return [not_trained_text(row)]
        if row.is_derived:
            return [str(row.config["derived"])]
        if row.status == "queued":
            return [self.waiting] if self.waiting else []
        if row.status != "running":
            ended = f"{summary.epoch or 0}/{counted(summary.epochs, 'epoch')}"
            kept = kept_epoch(self.detail)
            return [
                f"{ended} in {duration(took)}" if took else ended,
                *([f"kept epoch {kept}"] if kept is not None else []),
            ]
        if summary.activity and not summary.step:
            return [clean(summary.activity)]
        epochs = f"{summary.epoch or 0}/{summary.epochs}"
        cells, sparks = (_WIDE_BAR, _WIDE_SPARKS) if width >= _WIDE_FROM else (_BAR, _SPARKS)
        bar = progress_bar(summary.step or 0, summary.total_steps or 0, cells)
        maes = [epoch.val_mae for epoch in self.detail.history if epoch.val_mae is not None]
        return [
            f"{epochs} {bar}",
            f"{eta_text(row):>{_TIME}} left",
            f"val MAE {number(summary.val_mae):>5} {sparkline(maes[-sparks:]):<{sparks}}",
        ]

    @property
    def _seconds(self) -> float:
        return sum(attempt.seconds or 0.0 for attempt in self.detail.attempts)

    def _settings(self, width: int) -> Text:
        """The settings, and at the right edge the speed of training, or the peak memory."""
        settings = settings_text(self.detail.config, width)
        text = Text(settings)
        tags = _fitting([f"#{clean(tag)}" for tag in self.detail.row.tags], width - text.cell_len - len(_GAP), " ")
        if tags:
            text.append(_GAP).append(tags, style="italic")
        facts = _fitting(list(self._facts()), width - text.cell_len - len(_GAP), _DOT)
        if facts:
            text.append(" " * (width - text.cell_len - cell_len(facts))).append(facts, style="dim")
        return text

    def _facts(self) -> Sequence[str]:
        summary, peak = self.detail.row.summary, self.detail.peak_memory_bytes
        memory = gigabytes(peak) if peak is not None else self.memory
        taken = [f"peak {memory}"] if memory else []
        if self.detail.row.status != "running" or not summary.step:
            return taken
        newest = self.detail.attempts[-1] if self.detail.attempts else None
        device, where = (newest.device, newest.where) if newest is not None else (None, None)
        return (
            f"step {summary.step:,}/{summary.total_steps or 0:,}",
            *([f"{summary.images_per_second:,.0f} images/s"] if summary.images_per_second else []),
            *(f"{load.name} {load.load:4.0%} {load.memory}" for load in self.loads if load.name == device),
            *taken,
            *([clean(str(where))] if where is not None else []),
            *([clean(summary.activity)] if summary.activity else []),
        )

    def _figures(self, width: int) -> Text:
        """MAE and biases of the chosen split, of the newest epoch before there are scores, or as published."""
        if self.scores is not None:
            result = self.scores.result
            mae = f"{number(result.mae)}{NO_BETTER if result.is_no_better_than_constant else ''}"
            figures = {"MAE": mae, **{bias.attribute: _bias(bias.value, bias.inside_noise) for bias in result.biases}}
            interval = f"MAE {between(result.mae_interval)}" if result.mae_interval else ""
            beside = [self.scores.split, "selected" if self.scores.is_selected else "", interval]
        elif self.detail.row.is_published:
            summary = self.detail.row.summary
            figures = {"MAE": number(summary.mae), **{name: number(value) for name, value in summary.bias.items()}}
            beside = [state_of(self.detail.row)]
        elif (epoch := scored_epoch(self.detail)) is not None:
            assert epoch.scores is not None
            biases = {name: number(value) for name, value in epoch.scores.bias.items()}
            figures, beside = {"MAE": number(epoch.scores.mae), **biases}, ["valid", f"epoch {epoch.epoch}"]
        else:
            return Text(shortened(clean(why_no_scores(self.detail.row)), width), style="dim")
        text = _named_figures(figures, width)
        for detail in filter(None, beside):
            if text.cell_len + len(_GAP) + cell_len(clean(detail)) > width:
                break
            text.append(f"{_GAP}{clean(detail)}", style="dim")
        return text


def kept_epoch(detail: RunDetail) -> int | None:
    """The epoch whose weights are kept; None if none is known."""
    return detail.kept_epoch.epoch if detail.kept_epoch is not None else None


def scored_epoch(detail: RunDetail) -> Epoch | None:
    """The newest epoch scored on the validation images."""
    return next((epoch for epoch in reversed(detail.history) if epoch.scores is not None), None)


_FORMS: Final = {
    "loss": "{}", "weights": "weights {}", "lr": "lr {}", "batch": "batch {}", "optimizer": "{}", "backbone": "{}",
    "size": "{} px", "crop": "crop {}", "seed": "seed {}", "strategy": "{}", "data": "{}",
}  # fmt: skip


def settings_text(config: Mapping[str, object], width: int) -> str:
    """The most important known settings that fit, named unless their values are self-explanatory."""
    texts = {name: setting(config, name) for name in _FORMS if name in config}
    if "lr" in texts:
        texts["lr"] = _rates(config["lr"])
    if texts.get("crop") == "as-is":
        del texts["crop"]
    return _fitting([clean(_FORMS[name].format(text)) for name, text in texts.items()], width, _DOT)


def _rates(rates: object) -> str:
    """`3e-4`, or `3e-4,1e-5` for stages that differ."""
    given = rates if isinstance(rates, list | tuple) else [rates]
    return ",".join(dict.fromkeys(_rate(rate) for rate in given))


def _rate(rate: object) -> str:
    if not isinstance(rate, int | float):
        return str(rate)
    if not 0 < rate < 0.01:
        return f"{rate:g}"
    mantissa, _, power = f"{rate:e}".partition("e")
    return f"{float(mantissa):g}e{int(power)}"


def _bias(value: float | None, inside_noise: bool) -> str:
    return f"{number(value)}{NOISE if inside_noise else ''}"


def _named_figures(figures: Mapping[str, str], width: int) -> Text:
    """The figures with their names, which are shortened if room is short; figures that still do not fit are omitted."""
    order = ["MAE", *REPORT_ATTRIBUTES]
    names = sorted(figures, key=lambda name: order.index(name) if name in order else len(order))
    text = Text()
    forms: tuple[tuple[Callable[[str], str], str], ...] = (
        (lambda name: shortened(name, _LONGEST_ATTRIBUTE), _GAP),
        (short_title, " "),
        (lambda name: set_cell_size(name, min(3, cell_len(name))), " "),
    )
    for short, gap in forms:
        text = Text()
        for name in names:
            part = f"{gap if text else ''}{short(clean(name))} "
            if text.cell_len + cell_len(part) + cell_len(figures[name]) > width:
                break
            text.append(part, style="dim").append(figures[name], style="bold")
        else:
            return text
    return text


def _fitting(parts: Sequence[str], room: int, gap: str) -> str:
    """As many of the parts, from the first on, as fit into `room` cells."""
    text = ""
    for part in parts:
        longer = f"{text}{gap}{part}" if text else part
        if cell_len(longer) > room:
            break
        text = longer
    return text
