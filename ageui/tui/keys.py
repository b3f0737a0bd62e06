"""The one table of keys: the source of bindings, footer, help, command palette and the README's table."""

from dataclasses import dataclass
from functools import partial

from textual.binding import Binding

EVERYWHERE, RUNS, RUN, CURVES, NEW, COMPARE, STUDIES, STUDY_RUNS, DATA = (
    "everywhere", "runs", "run", "curves", "new run", "compare", "studies", "runs of a study", "data",
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """`keys` are Textual's comma-separated key names; `shown` replaces the first one on the screen.

    The footer shows `label`, help and palette show `what`.
    """

    keys: str
    action: str
    label: str
    what: str
    shown: str = ""
    in_footer: bool = True

    @property
    def display(self) -> str:
        return self.shown or self.keys.split(",")[0]


_HelpKey = partial(Key, in_footer=False)
"""A key that help and palette list, but not the footer."""

TABLE: dict[str, tuple[Key, ...]] = {
    EVERYWHERE: (
        Key("question_mark", "help", "keys", "Show all keys of this screen", "?"),
        _HelpKey("ctrl+p", "command_palette", "palette", "Search everything that can be done", "^p"),
        Key("n", "new_run", "new", "Make a new run or sweep"),
        Key("D", "data", "data", "Look at the data sets", "D"),
        Key("G", "studies", "studies", "Look at the studies: grids of runs beside published figures", "G"),
        _HelpKey("u", "undo", "undo", "Undo the last change"),
        _HelpKey("T", "next_theme", "theme", "Next theme: dark, light, and both safe for colour-blind eyes"),
        _HelpKey("H", "pause_queue", "hold queue", "Pause the queue, or let it go on; what runs is not touched"),
        _HelpKey("W", "worker", "worker", "Start the background worker, or have it leave after its step"),
        _HelpKey("escape", "back", "back", "Leave this screen", "esc"),
        _HelpKey("ctrl+q", "quit", "quit", "Leave the application; the worker goes on", "^q"),
    ),
    RUNS: (
        Key("enter", "open", "open", "Open the run: curves, groups, log"),
        Key("space", "select", "select", "Select the run, or no longer"),
        Key("c", "compare", "compare", "Compare the selected runs side by side"),
        Key("d", "duplicate", "duplicate", "New run with this run's config"),
        Key("p", "pause", "pause", "Pause: a running run writes a checkpoint and stops"),
        Key("r", "resume", "resume", "Resume paused and interrupted runs"),
        Key("x", "cancel", "cancel", "Cancel: what was measured is kept, retry goes on from there"),
        Key("t", "retry", "retry", "Try failed or cancelled runs again, from their last checkpoint"),
        _HelpKey("K,shift+up", "move_up", "up", "Move a queued run up", "K"),
        _HelpKey("J,shift+down", "move_down", "down", "Move a queued run down", "J"),
        Key("slash", "filter", "filter", "Filter: loss=mape weights:gender mae<8 status=done", "/"),
        Key("s", "sort", "sort", "Sort by a column; a click on its title does too"),
        _HelpKey("S", "reverse", "reverse", "Reverse the order"),
        _HelpKey("o", "columns", "columns", "Choose and order the columns"),
        _HelpKey("g", "tags", "tags", "Edit the run's tags; of several runs, add some or take some away"),
        _HelpKey("m", "note", "note", "Edit the run's note"),
        _HelpKey("f2,N", "rename", "rename", "Rename the run", "F2"),
        _HelpKey("z", "archive", "archive", "Archive ended runs; archived=true finds them again"),
        _HelpKey("Z", "unarchive", "unarchive", "Bring archived runs back"),
        _HelpKey("X,delete", "remove", "delete", "Delete archived runs and their files for good", "X"),
        _HelpKey("ctrl+a", "select_all", "select all", "Select all runs that are found", "^a"),
        _HelpKey("y", "copy_command", "copy", "Copy the command that repeats the run"),
        _HelpKey("escape", "clear", "clear", "Take back the selection, then the filter", "esc"),
    ),
    RUN: (
        Key("v", "next_curve", "curve", "Next curve: loss by epoch, loss by step, MAE, learning rate"),
        Key("e", "next_axis", "axis", "x axis: epochs, steps or elapsed time"),
        Key("c", "compare", "compare", "Compare with other runs"),
        Key("d", "duplicate", "duplicate", "New run with this run's config"),
        Key("p", "pause", "pause", "Pause: a running run writes a checkpoint and stops"),
        Key("r", "resume", "resume", "Resume a paused or interrupted run"),
        Key("x", "cancel", "cancel", "Cancel: what was measured is kept"),
        Key("t", "retry", "retry", "Try a failed or cancelled run again"),
        _HelpKey("y", "copy_command", "copy", "Copy the command that repeats the run"),
        _HelpKey("E", "explain", "explain", "Say what every figure and mark means", "E"),
    ),
    CURVES: (
        Key("l", "toggle_log", "log", "Logarithmic or linear y axis"),
        Key("s", "more_smoothing", "smooth", "More smoothing; the raw curve stays, faint"),
        _HelpKey("S", "less_smoothing", "less smooth", "Less smoothing"),
        Key("plus,equals_sign", "zoom_in", "zoom", "Zoom in", "+"),
        _HelpKey("minus", "zoom_out", "zoom out", "Zoom out", "-"),
        _HelpKey("0", "zoom_reset", "all", "Show the whole curve without a cursor, and follow it"),
        _HelpKey("comma,less_than_sign", "pan_left", "pan left", "Move the window left", ","),
        _HelpKey("full_stop,greater_than_sign", "pan_right", "pan right", "Move the window right", "."),
        _HelpKey("left", "cursor_left", "read", "Read values: move the cursor left", "←"),
        _HelpKey("right", "cursor_right", "read", "Read values: move the cursor right", "→"),
    ),
    NEW: (
        Key("ctrl+s", "queue", "queue", "Queue the run or the sweep", "^s"),
        Key("ctrl+y", "copy_command", "copy", "Copy the command that does the same", "^y"),
        Key("ctrl+l", "choices", "list", "List the values that are known; space marks several, which is a sweep", "^l"),
        Key("ctrl+g", "again", "again", "Queue existing runs anyway, or leave them out", "^g"),
        Key("ctrl+r", "reset", "reset", "Back to what the preset says", "^r"),
        Key("f1", "app.help", "keys", "Show all keys of this screen", "F1"),
        Key("escape", "leave", "leave", "Leave the form", "esc"),
    ),
    COMPARE: (
        Key("a", "add", "add", "Add runs from a list"),
        Key("x", "drop", "drop", "Take the run under the cursor out of the comparison"),
        Key("b", "baseline", "baseline", "Next baseline to set the others against: each run, the constant, none"),
        _HelpKey("B", "baseline_here", "baseline", "The run under the cursor as the baseline", "B"),
        Key("v", "next_split", "split", "Next split: test, valid, train"),
        Key("f", "toggle_fold", "seeds", "Fold runs that differ in their seed alone: mean ± std (n)"),
        Key("e", "next_further", "figures", "Signed gaps beside the biases, all further figures, or none of them"),
        Key("g", "next_groups", "groups", "The MAE of every group, with its intervals too, or no groups"),
        Key("i", "toggle_settings", "settings", "Only the settings that differ, or all"),
        Key("c", "next_layout", "curves", "Table and curves, the table alone, the curves alone"),
        _HelpKey("m", "next_curve", "measure", "Curves of the validation loss, or of the validation MAE"),
        Key("X", "export", "export", "Write what the table says to a file, or copy it", "X"),
        _HelpKey("E", "explain", "explain", "Say what every figure and mark means", "E"),
        _HelpKey("enter", "open", "open", "Open the run under the cursor"),
    ),
    STUDIES: (
        Key("enter", "open", "open", "Open the run of the cell, or choose one of several"),
        Key("space", "select", "select", "Select the cell, or no longer"),
        _HelpKey("ctrl+a", "select_all", "select all", "Select all cells that have runs", "^a"),
        Key("c", "compare", "compare", "Compare the runs of the selected cells side by side"),
        Key("r", "run", "run", "Run what is missing: choose preset, data and seeds, and see how many runs that is"),
        Key("w", "next_variant", "way", "Next of the ways in which it was run: other data, preset or settings"),
        Key("v", "next_split", "split", "Next split, whose scores are shown: test, valid, train"),
        Key("a", "add", "add", "Add a study of your own: a TOML file"),
        Key("E", "explain", "explain", "Say what every figure and mark means", "E"),
        _HelpKey("escape", "clear_or_leave", "back", "Take back the selection, then leave this screen", "esc"),
    ),
    STUDY_RUNS: (
        Key("ctrl+s", "queue", "queue", "Queue what is missing", "^s"),
        Key("ctrl+t", "show", "show only", "Show the table of these settings, and queue nothing", "^t"),
        Key("ctrl+y", "copy_command", "copy", "Copy the command that does the same", "^y"),
        Key("ctrl+l", "choices", "list", "List the values that are known", "^l"),
        Key("ctrl+r", "reset", "reset", "Back to what this machine chooses", "^r"),
        Key("f1", "app.help", "keys", "Show all keys of this screen", "F1"),
        Key("escape", "leave", "leave", "Leave, and queue nothing", "esc"),
    ),
    DATA: (
        Key("enter", "sheet", "faces", "Open a sheet of faces of the group and split with the system's viewer"),
        Key("v", "next_split", "split", "Next split, whose faces enter opens"),
        Key("c", "check", "check", "Read every row and image again: unreadable ones, near-duplicates"),
        Key("t", "next_target", "age", "Apparent or real age, where the data has both"),
        Key("a", "add", "add", "Add a data set: a folder, or a table of images"),
        Key("x,delete", "forget", "forget", "Forget the data set; its files and the runs on it stay"),
        Key("escape", "stop_or_leave", "back", "Stop what is being read, then leave this screen", "esc"),
    ),
}


def bindings(*places: str) -> list[Binding]:
    """The bindings of places in the table, in its order."""
    return [
        Binding(key.keys, key.action, key.label, show=key.in_footer, key_display=key.display, tooltip=key.what)
        for place in places
        for key in TABLE[place]
    ]


def markdown() -> str:
    """All keys as a Markdown table."""
    lines = ["| where | key | does |", "|---|---|---|"]
    for place, keys in TABLE.items():
        lines += [f"| {place} | `{key.display}` | {key.what} |" for key in keys]
    return "\n".join(lines)
