"""The one table of keys: the source of bindings, footer, help, command palette and the manual's table."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual.binding import ActiveBinding, Binding

from ageui.present.markdown import code

EVERYWHERE, RUNS, FILTER, RUN, WORST, CURVES, NEW, COMPARE, STUDIES, STUDY, STUDY_RUNS, DATA = (
    "everywhere", "runs", "filter", "run", "worst errors", "curves", "new run", "compare", "studies", "a study",
    "runs of a study", "data",
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """`keys` are Textual's comma-separated key names; `shown` replaces the first one on the screen.

    The footer shows `label`, help and palette show `what`. A key that acts `in_dialogs` goes before those of widgets.
    A key that `changes` something, or opens a form for that, is refused in a read-only session, and not listed there.
    """

    keys: str
    action: str
    label: str
    what: str
    shown: str = ""
    in_footer: bool = True
    in_dialogs: bool = False
    changes: bool = False

    @property
    def display(self) -> str:
        return self.shown or self.keys.split(",")[0]


_HelpKey = partial(Key, in_footer=False)
"""A key that help and palette list, but not the footer."""
_Change = partial(Key, changes=True)
_HelpChange = partial(_HelpKey, changes=True)

TABLE: dict[str, tuple[Key, ...]] = {
    EVERYWHERE: (
        Key("question_mark", "help", "keys", "List all keys", "?"),
        _HelpKey("ctrl+p", "command_palette", "palette", "Search all commands", "^p"),
        _Change("n", "new_run", "new", "New run or sweep"),
        Key("D", "data", "data", "Data sets", "D"),
        Key("G", "studies", "studies", "Studies: grids of runs beside published figures", "G"),
        _HelpChange("u", "undo", "undo", "Undo the last change"),
        _HelpKey("T", "next_theme", "theme", "Next theme: dark, light, and both for colour-blind people"),
        _HelpChange("H", "pause_queue", "hold queue", "Toggle the pause of the queue; running runs continue"),
        _HelpChange("W", "worker", "worker", "Toggle the background worker; it stops after the current step"),
        _HelpKey("escape", "back", "back", "Close this screen", "esc"),
        _HelpKey("ctrl+z", "suspend_process", "suspend", "Suspend; fg in the shell resumes", "^z", in_dialogs=True),
        _HelpKey("ctrl+q", "quit", "quit", "Quit; background work continues", "^q", in_dialogs=True),
    ),
    RUNS: (
        Key("enter", "open", "open", "Open the run: curves, groups, scores, log"),
        Key("space", "select", "select", "Select, move down"),
        Key("c", "compare", "compare", "Compare the selected runs"),
        _Change("d", "duplicate", "duplicate", "New run with this run's config"),
        _Change("p", "pause", "pause", "Pause: a running run writes a checkpoint and stops"),
        _Change("r", "resume", "resume", "Resume paused and interrupted runs"),
        _Change("x", "cancel", "cancel", "Cancel; measurements are kept, and retry continues from there"),
        _Change("t", "retry", "retry", "Retry failed or cancelled runs from their last checkpoint"),
        _HelpChange("K,shift+up", "move_up", "up", "Move a queued run up", "K"),
        _HelpChange("J,shift+down", "move_down", "down", "Move a queued run down", "J"),
        Key("slash", "filter", "filter", "Filter: loss=mape weights:gender mae<8 status=done", "/"),
        Key("s", "sort", "sort", "Sort by a column; clicking its title does the same"),
        _HelpKey("S", "reverse", "reverse", "Reverse the sort order"),
        Key("f", "fold", "seeds", "Toggle folding of runs that differ only in their seed: mean ± std (n)"),
        Key("b", "group", "group", "Group rows by a config field"),
        Key("f3", "views", "views", "Saved views: filter, columns, order, folding and groups under a name", "F3"),
        _HelpKey("v", "preview", "preview", "Toggle the preview of the run under the cursor; tab scrolls it"),
        _HelpKey("o", "columns", "columns", "Choose and order the columns"),
        _HelpChange("g", "tags", "tags", "Edit the run's tags; add or remove tags of several runs"),
        _HelpChange("m", "note", "note", "Edit the run's note"),
        _HelpChange("f2,N", "rename", "rename", "Rename the run", "F2"),
        _HelpChange("z", "archive", "archive", "Archive ended runs; the filter archived=true lists them"),
        _HelpChange("Z", "unarchive", "unarchive", "Restore archived runs"),
        _HelpChange("X,delete", "remove", "delete", "Delete archived runs and their files permanently", "X"),
        _HelpKey("ctrl+a", "select_all", "select all", "Select all runs that match the filter", "^a"),
        _HelpKey("y", "copy_command", "copy", "Copy the command that repeats the run"),
        _HelpChange(
            "M", "derive('ensemble')", "ensemble", "Ensemble: the mean of the selected runs, as a run of its own"
        ),
        _HelpChange(
            "L", "derive('calibrate')", "calibrate", "Calibrate the selected runs against regression to the mean"
        ),
        _HelpChange("O", "app.open_demo", "demo", "Open the demo: a copy of the shipped runs to try keys on", "O"),
        _HelpKey("escape", "clear", "clear", "Clear the selection, then the filter", "esc"),
    ),
    FILTER: (
        Key("enter", "keep", "keep", "Keep the filter, and go to the runs"),
        Key("escape", "take_back", "restore", "Restore the filter as it was", "esc"),
        Key("tab", "complete", "complete", "Complete the name of a field or its value; right does too"),
        Key("up", "recall(1)", "earlier", "Earlier filters, the newest first", "↑"),
        _HelpKey("down", "recall(-1)", "later", "Later filters, then the runs", "↓"),
    ),
    RUN: (
        _HelpKey("1", "curve('1')", "loss", "Loss by epoch; again: train loss by step, then validation loss"),
        _HelpKey("2", "curve('2')", "MAE", "MAE on the validation images by epoch"),
        _HelpKey("3", "curve('3')", "biases", "Biases on the validation images by epoch"),
        _HelpKey("4", "curve('4')", "lr", "Learning rate by epoch; again: images per second"),
        _HelpKey("5", "part('5')", "scores", "Scores on every split, biases and groups"),
        _HelpKey("6", "part('6')", "scatter", "Predicted by true age, a dot per image"),
        _HelpKey("7", "part('7')", "errors", "Signed error by age; again: all images, the largest error first"),
        _HelpKey("8", "part('8')", "config", "Config, command, data, device and versions"),
        _HelpKey("9", "part('9')", "log", "Log of the newest attempt"),
        _HelpKey("0", "part('0')", "attempts", "Attempts with their ends and notes; again: the epochs"),
        Key("v", "next_split", "split", "Next split of scores and errors: test, valid, train"),
        Key("f", "toggle_full", "full", "Toggle the chosen curve or part alone; otherwise all side by side"),
        Key("e", "next_axis", "axis", "Next x axis: epochs, steps, elapsed time"),
        Key("c", "compare", "compare", "Compare with other runs"),
        _Change("d", "duplicate", "duplicate", "New run with this run's config"),
        _Change("p", "pause", "pause", "Pause: a running run writes a checkpoint and stops"),
        _Change("r", "resume", "resume", "Resume a paused or interrupted run"),
        _Change("x", "cancel", "cancel", "Cancel; measurements are kept"),
        _Change("t", "retry", "retry", "Retry a failed or cancelled run"),
        _HelpKey("y", "copy_command", "copy", "Copy the command that repeats the run"),
        _HelpKey("E", "explain", "explain", "Explain all figures and marks", "E"),
    ),
    WORST: (Key("enter", "copy_path", "copy path", "Copy the path of the image under the cursor"),),
    CURVES: (
        Key("l", "toggle_log", "log", "Toggle the logarithmic y axis"),
        Key("right_square_bracket", "more_smoothing", "smooth", "More smoothing; the raw curve stays faint", "]"),
        _HelpKey("left_square_bracket", "less_smoothing", "less smooth", "Less smoothing", "["),
        Key("plus,equals_sign", "zoom_in", "zoom", "Zoom in", "+"),
        _HelpKey("minus", "zoom_out", "zoom out", "Zoom out", "-"),
        _HelpKey("asterisk", "zoom_reset", "all", "Show and follow the whole curve, and hide the cursor", "*"),
        _HelpKey("comma,less_than_sign", "pan_left", "pan left", "Move the window left", ","),
        _HelpKey("full_stop,greater_than_sign", "pan_right", "pan right", "Move the window right", "."),
        _HelpKey("left", "cursor_left", "read", "Read the values to the left", "←"),
        _HelpKey("right", "cursor_right", "read", "Read the values to the right", "→"),
    ),
    NEW: (
        _Change("ctrl+s", "queue", "queue", "Queue the run or the sweep", "^s"),
        Key("ctrl+y", "copy_command", "copy", "Copy the equivalent command", "^y"),
        Key("ctrl+l", "choices", "list", "List known values; space marks several for a sweep", "^l"),
        Key("ctrl+g", "again", "again", "Toggle whether runs that exist are queued anyway", "^g"),
        Key("ctrl+r", "reset", "reset", "Reset the field to its preset", "^r"),
        Key("f1", "app.help", "keys", "List all keys", "F1"),
        Key("escape", "leave", "leave", "Close the form", "esc"),
    ),
    COMPARE: (
        Key("a", "add", "add", "Add runs from a list"),
        Key("x", "drop", "drop", "Remove the run under the cursor"),
        Key("s", "sort", "sort", "Sort by a figure or field; clicking its title does the same"),
        _HelpKey("S", "reverse", "reverse", "Reverse the sort order", "S"),
        Key("B", "baseline_here", "baseline", "Make the run under the cursor the baseline", "B"),
        _HelpKey("b", "baseline", "next baseline", "Next baseline: each run, the constant, none"),
        _HelpKey("p", "toggle_pin", "pin", "Toggle whether the baseline stays on top of sorted runs"),
        Key("c", "picture('curves')", "curves", "Curves; again: alone, then hidden"),
        Key("P", "picture('plot')", "plot", "Plot of one figure or field by another, with the Pareto front", "P"),
        Key("F", "picture('forest')", "forest", "Forest plot: one figure of all runs, or of groups, on one axis", "F"),
        Key("m", "next_measure", "figure", "Next curve, or choose the figure of the plots"),
        _HelpKey("M", "x_axis", "x axis", "Choose the x axis of the plot", "M"),
        Key("vertical_line", "turn", "turn", "Toggle runs as rows or as columns", "|"),
        _HelpKey(
            "d", "toggle_below", "details", "Toggle differences or intervals below every row; otherwise the cursor's"
        ),
        Key("f", "toggle_fold", "seeds", "Toggle folding of runs that differ only in their seed: mean ± std (n)"),
        _HelpKey(
            "e", "next_further", "figures", "Next figures: signed gaps beside the biases, all figures, biases only"
        ),
        _HelpKey("g", "next_groups", "groups", "Next groups: MAE of every group, with intervals, none"),
        _HelpKey("i", "toggle_settings", "settings", "Toggle all settings; otherwise only those that differ"),
        _HelpKey("v", "next_split", "split", "Next split: test, valid, train"),
        Key("X", "export", "export", "Export the table, the plot or a methods paragraph", "X"),
        _HelpKey("E", "explain", "explain", "Explain all figures and marks", "E"),
        _HelpKey("enter", "open", "open", "Open the run under the cursor"),
        _HelpKey("escape", "table_or_leave", "back", "Return from a picture alone to the table, then close", "esc"),
    ),
    STUDIES: (
        Key("enter", "open", "open", "Open the study: its cells, published beside measured figures"),
        _Change("r", "run", "run", "Run what is missing: choose preset, data and seeds, and see how many runs that is"),
        Key("i", "provenance", "info", "Sources of the published figures, warnings, and variants"),
        _Change("a", "add", "add", "Add your own study from a TOML file"),
    ),
    STUDY: (
        Key("g", "next_view", "view", "Next view: table, axis of one figure, heat map of a grid"),
        Key("m", "next_figure", "figure", "Next figure of the axis and the heat map: MAE, then the biases"),
        _HelpKey("M", "previous_figure", "figure", "Previous figure of the axis and the heat map", "M"),
        Key("enter", "open", "open", "Open the run of the cell, or choose from several"),
        Key("space", "select", "select", "Select, move down"),
        _HelpKey("ctrl+a", "select_all", "select all", "Select all cells that have runs", "^a"),
        Key("c", "compare", "compare", "Compare the runs of the selected cells"),
        _Change("r", "run", "run", "Run what is missing: choose preset, data and seeds, and see how many runs that is"),
        Key("w", "next_variant", "variant", "Next variant: other data, preset or settings"),
        Key("v", "next_split", "split", "Next split: test, valid, train"),
        Key("i", "provenance", "info", "Sources of the published figures, warnings, and variants"),
        _HelpKey("E", "explain", "explain", "Explain all figures and marks", "E"),
        _HelpKey("escape", "clear_or_leave", "back", "Clear the selection, then close this screen", "esc"),
    ),
    STUDY_RUNS: (
        _Change("ctrl+s", "queue", "queue", "Queue the missing runs", "^s"),
        Key("ctrl+t", "show", "show only", "Show the table of these settings without queueing", "^t"),
        Key("ctrl+y", "copy_command", "copy", "Copy the equivalent command", "^y"),
        Key("ctrl+l", "choices", "list", "List known values", "^l"),
        Key("ctrl+r", "reset", "reset", "Reset the field to this machine's choice", "^r"),
        Key("f1", "app.help", "keys", "List all keys", "F1"),
        Key("escape", "leave", "leave", "Close without queueing", "esc"),
    ),
    DATA: (
        Key("enter", "sheet", "faces", "Open a sheet of faces of the group and split in the system's viewer"),
        Key("v", "next_split", "split", "Next split for the sheet of faces"),
        _Change("c", "check", "check", "Check every row and image for errors and near-duplicates"),
        Key("t", "next_target", "age", "Next age: apparent, real"),
        _Change("a", "add", "add", "Add a data set from a folder or a table of images"),
        _Change("x,delete", "forget", "forget", "Forget the data set; its files and runs stay"),
        Key("escape", "stop_or_leave", "back", "Stop reading, then close this screen", "esc"),
    ),
}


def bindings(*places: str) -> list[Binding]:
    """The bindings of places in the table, in its order."""
    return [_binding(place, key, key.action) for place in places for key in TABLE[place]]


def forwarded(place: str, action: str) -> list[Binding]:
    """The bindings of a place for a node that hands them on: `action('next')` for an action named `next`."""
    return [_binding(place, key, f"{action}('{key.action}')") for key in TABLE[place]]


def changes_something(action: object, node: object) -> bool:
    """Whether a node binds the action to a key that changes something."""
    bound = (one for one in getattr(node, "BINDINGS", ()) if isinstance(one, Binding))
    return any(one.action == action and one.id in _CHANGING for one in bound)


def in_order(active: Iterable[ActiveBinding]) -> list[ActiveBinding]:
    """Bindings in the order of the table; others, such as those of Textual's widgets, come last."""
    return sorted(active, key=lambda one: _ORDER.get(one.binding.id or "", len(_ORDER)))


def _binding(place: str, key: Key, action: str) -> Binding:
    return Binding(
        key.keys,
        action,
        key.label,
        show=key.in_footer,
        key_display=key.display,
        tooltip=key.what,
        priority=key.in_dialogs,
        id=f"{place}.{key.action}",
    )


_CHANGING = {f"{place}.{key.action}" for place, keys in TABLE.items() for key in keys if key.changes}
_ORDER = {binding.id: number for number, binding in enumerate(bindings(*TABLE))}


def markdown() -> str:
    """All keys as a Markdown table."""
    lines = ["| where | key | does |", "|---|---|---|"]
    for place, keys in TABLE.items():
        lines += [f"| {place} | {code(key.display)} | {key.what} |" for key in keys]
    return "\n".join(lines)
