"""The one table of keys: bindings, footer, help screen, command palette and the README's table are made of it."""

from dataclasses import dataclass

from textual.binding import Binding

EVERYWHERE, RUNS, RUN, CURVES, NEW, COMPARE, STUDIES, STUDY_RUNS, DATA = (
    "everywhere", "runs", "run", "curves", "new run", "compare", "studies", "runs of a study", "data",
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """`keys` are Textual's names of keys, comma-separated; `shown` is what people read instead of the first one.

    `label` is the footer's word, and `what` the sentence of help and palette. A key without `in_footer` is only there.
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


TABLE: dict[str, tuple[Key, ...]] = {
    EVERYWHERE: (
        Key("question_mark", "help", "keys", "Show all keys of this screen", "?"),
        Key("ctrl+p", "command_palette", "palette", "Search everything that can be done", "^p", in_footer=False),
        Key("n", "new_run", "new", "Make a new run or sweep"),
        Key("D", "data", "data", "Look at the data sets", "D"),
        Key("G", "studies", "studies", "Look at the studies: grids of runs beside published figures", "G"),
        Key("u", "undo", "undo", "Undo the last change", in_footer=False),
        Key(
            "T", "next_theme", "theme", "Next theme: dark, light, and both safe for colour-blind eyes", in_footer=False
        ),
        Key(
            "H",
            "hold_queue",
            "hold queue",
            "Pause the queue, or let it go on; what runs is not touched",
            in_footer=False,
        ),
        Key("W", "worker", "worker", "Start the background worker, or have it leave after its step", in_footer=False),
        Key("escape", "back", "back", "Leave this screen", "esc", in_footer=False),
        Key("ctrl+q", "quit", "quit", "Leave the application; the worker goes on", "^q", in_footer=False),
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
        Key("K,shift+up", "move_up", "up", "Move a queued run up", "K", in_footer=False),
        Key("J,shift+down", "move_down", "down", "Move a queued run down", "J", in_footer=False),
        Key("slash", "filter", "filter", "Filter: loss=mape weights:gender mae<8 status=done", "/"),
        Key("s", "sort", "sort", "Sort by a column; a click on its title does too"),
        Key("S", "reverse", "reverse", "Reverse the order", in_footer=False),
        Key("o", "columns", "columns", "Choose and order the columns", in_footer=False),
        Key("g", "tags", "tags", "Edit the run's tags; of several runs, add some or take some away", in_footer=False),
        Key("m", "note", "note", "Edit the run's note", in_footer=False),
        Key("f2,N", "rename", "rename", "Rename the run", "F2", in_footer=False),
        Key("z", "archive", "archive", "Archive ended runs; archived=true finds them again", in_footer=False),
        Key("Z", "unarchive", "unarchive", "Bring archived runs back", in_footer=False),
        Key("ctrl+a", "select_all", "select all", "Select all runs that are found", "^a", in_footer=False),
        Key("y", "copy_command", "copy", "Copy the command that repeats the run", in_footer=False),
        Key("escape", "clear", "clear", "Take back the selection, then the filter", "esc", in_footer=False),
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
        Key("y", "copy_command", "copy", "Copy the command that repeats the run", in_footer=False),
        Key("E", "explain", "explain", "Say what every figure and mark means", "E", in_footer=False),
    ),
    CURVES: (
        Key("l", "toggle_log", "log", "Logarithmic or linear y axis"),
        Key("s", "more_smoothing", "smooth", "More smoothing; the raw curve stays, faint"),
        Key("S", "less_smoothing", "less smooth", "Less smoothing", in_footer=False),
        Key("plus,equals_sign", "zoom_in", "zoom", "Zoom in", "+"),
        Key("minus", "zoom_out", "zoom out", "Zoom out", "-", in_footer=False),
        Key("0", "zoom_reset", "all", "Show the whole curve without a cursor, and follow it", in_footer=False),
        Key("comma,less_than_sign", "pan_left", "pan left", "Move the window left", ",", in_footer=False),
        Key("full_stop,greater_than_sign", "pan_right", "pan right", "Move the window right", ".", in_footer=False),
        Key("left", "cursor_left", "read", "Read values: move the cursor left", "←", in_footer=False),
        Key("right", "cursor_right", "read", "Read values: move the cursor right", "→", in_footer=False),
    ),
    NEW: (
        Key("ctrl+s", "queue", "queue", "Queue the run or the sweep", "^s"),
        Key("ctrl+y", "copy_command", "copy", "Copy the command that does the same", "^y"),
        Key("ctrl+l", "choices", "list", "List the values that are known; space marks several, which is a sweep", "^l"),
        Key("ctrl+g", "again", "again", "Queue what is there already all the same, or leave it out", "^g"),
        Key("ctrl+r", "reset", "reset", "Back to what the preset says", "^r"),
        Key("f1", "app.help", "keys", "Show all keys of this screen", "F1"),
        Key("escape", "leave", "leave", "Leave the form", "esc"),
    ),
    COMPARE: (
        Key("a", "add", "add", "Add runs from a list"),
        Key("x", "drop", "drop", "Take the run under the cursor out of the comparison"),
        Key("b", "baseline", "baseline", "Next baseline to set the others against: each run, the constant, none"),
        Key("B", "baseline_here", "baseline", "The run under the cursor as the baseline", "B", in_footer=False),
        Key("v", "next_split", "split", "Next split: test, valid, train"),
        Key("f", "toggle_fold", "seeds", "Fold runs that differ in their seed alone: mean ± std (n)"),
        Key("g", "next_groups", "groups", "The MAE of every group, with its intervals too, or no groups"),
        Key("i", "toggle_settings", "settings", "Only the settings that differ, or all"),
        Key("c", "next_layout", "curves", "Table and curves, the table alone, the curves alone"),
        Key("m", "next_curve", "measure", "Curves of the validation loss, or of the validation MAE", in_footer=False),
        Key("X", "export", "export", "Write what the table says to a file, or copy it", "X"),
        Key("E", "explain", "explain", "Say what every figure and mark means", "E", in_footer=False),
        Key("enter", "open", "open", "Open the run under the cursor", in_footer=False),
    ),
    STUDIES: (
        Key("enter", "open", "open", "Open the run of the cell, or choose one of several"),
        Key("space", "select", "select", "Select the cell, or no longer"),
        Key("ctrl+a", "select_all", "select all", "Select all cells that have runs", "^a", in_footer=False),
        Key("c", "compare", "compare", "Compare the runs of the selected cells side by side"),
        Key("r", "run", "run", "Run what is missing: choose preset, data and seeds, and see how many runs that is"),
        Key("w", "next_variant", "way", "Next of the ways in which it was run: other data, preset or settings"),
        Key("v", "next_split", "split", "Next split, whose scores are shown: test, valid, train"),
        Key("a", "add", "add", "Add a study of your own: a TOML file"),
        Key("E", "explain", "explain", "Say what every figure and mark means", "E"),
        Key(
            "escape",
            "clear_or_leave",
            "back",
            "Take back the selection, then leave this screen",
            "esc",
            in_footer=False,
        ),
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
    """The bindings of screens and widgets, in the table's order."""
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
