"""Help that fits two screens, examples that work, options before the command, and completion in a shell."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
from store_rows import queued
from terminal import Terminal

from ageui import __version__
from ageui.cli import app
from ageui.cli.command_group import all_commands, examples
from ageui.store import Store
from ageui.study.study_file import bundled_names
from engine import choices

Command = tuple[tuple[str, ...], Any]


ALL: list[Command] = list(all_commands(typer.main.get_command(app)))
LEAVES = [(words, command) for words, command in ALL if not hasattr(command, "commands")]
EXAMPLES = [line for _, command in ALL for line in examples(command.help or "")]


def test_help_fits_the_terminal_and_names_no_type(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words, _ in ALL:
        done = ageui(*words, "--help")
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) <= 80, words
        assert not re.search(r"<(\w+|list\[\w+\])>|\b(TEXT|INTEGER|FLOAT|Optional|None)\b", done.out), words
        assert "\x1b" not in done.out


def test_every_option_says_what_it_takes_and_does() -> None:
    for words, command in ALL:
        for param in command.params:
            assert param.help, (words, param.name)
            assert param.is_flag if param.metavar is None else param.metavar, (words, param.name)


def test_help_fits_two_screens_and_names_the_way_to_the_rest(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shortened = []
    for words, command in ALL:
        short, full = (ageui(*words, flag).out.splitlines() for flag in ("--help", "--help-all"))
        assert len(short) <= 48, words
        if short != full:
            shortened.append(" ".join(words))
            assert short[-1] == f"All options: {' '.join(('ageui', *words))} --help-all"
        shown = set(re.findall(r"(?<![\w-])-{1,2}\w[\w-]*", "\n".join(full)))
        assert shown >= {name for param in command.params if not param.hidden for name in _option_names(param)}, words
    assert {"run", "sweep"} <= set(shortened)
    assert len(shortened) < len(ALL) / 4


def _option_names(param: Any) -> list[str]:
    return [name for name in (*param.opts, *param.secondary_opts) if name.startswith("-")]


def test_the_short_help_of_run_has_the_usual_options(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    short = ageui("run", "--help").out
    usual = "data preset loss weights backbone init crop epochs lr batch size seed name detach set device folds db"
    assert all(f"--{name} " in short for name in usual.split())
    assert "--optimizer" not in short
    assert re.search(r"^ +--optimizer adam", ageui("run", "--help-all").out, re.MULTILINE)


@pytest.mark.parametrize("width", [80, 60])
def test_no_choice_is_broken_between_lines(ageui: Terminal, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = ageui("run", "--help-all").out
    for name in (*choices.LOSSES, *choices.HEADS, *choices.STRATEGIES, *choices.OPTIMIZERS, *choices.AUGMENTS):
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", text), name


def test_every_command_has_an_example_of_itself() -> None:
    for words, command in ALL:
        found = examples(command.help)
        assert found, words
        assert all(shlex.split(line)[1 : len(words) + 1] == list(words) for line in found)


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_a_command_line(typed: Callable[[str], tuple[str, ...]], line: str) -> None:
    assert typed(line) in [words for words, _ in LEAVES]


def test_the_version_is_printed(ageui: Terminal) -> None:
    assert ageui("--version").out == ageui("-V").out == f"ageui {__version__}\n"


def test_a_database_is_named_before_or_after_the_command(ageui: Terminal) -> None:
    for name in ("one", "two"):
        with Store.open(Path(f"{name}.db")) as store:
            queued(store, name)

    def names(*arguments: str) -> list[str]:
        return [row["name"] for row in ageui(*arguments, "--json").json]

    assert names("--db", "one.db", "ls") == ["one"]
    assert names("--db", "one.db", "ls", "--db", "two.db") == ["two"]
    assert "one.db" in ageui("--db", "one.db", "db", "check").out
    assert ageui("ls").code == 5


@pytest.mark.parametrize(
    "arguments",
    [("ls", "--db", "~/my.db"), ("--db", "~/my.db", "ls"), ("db", "check", "--db=~/my.db")],
)
def test_a_tilde_is_the_home_folder(
    ageui: Terminal, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(ageui.folder / "home"))
    (ageui.folder / "home").mkdir()
    with Store.open(ageui.folder / "home" / "my.db") as store:
        queued(store)
    assert ageui(*arguments).code == 0
    monkeypatch.setenv("AGEUI_DB", "~/my.db")
    assert ageui("ls").code == ageui("data", "list").code == ageui("config", "show").code == 0
    assert ageui("db", "backup", "~/copy.db").code == 0
    assert ageui("ls", "--db", "~/copy.db").code == 0
    (ageui.folder / "home" / "settings.toml").write_text("batch = 8")
    assert ageui("config", "show", "--config", "~/settings.toml", "--json").json["batch"] == 8


def test_an_unknown_home_folder_is_an_error(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ageui("ls", "--db", "~nobody-at-all/x.db").code == 2
    monkeypatch.setenv("AGEUI_DB", "~nobody-at-all/x.db")
    done = ageui("ls")
    assert (done.code, "no home folder ~nobody-at-all exists" in done.err) == (2, True)


# Completion


@pytest.fixture
def complete(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a shell offers for the last word of a command line."""

    def completed(line: str) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("_AGEUI_COMPLETE", "complete_bash")
            patch.setenv("COMP_WORDS", line)
            patch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
            done = ageui()
        assert (done.code, done.err) == (0, "")
        return done.out.split("\n")[:-1] if done.out.strip() else []

    return completed


def test_runs_and_data_sets_are_completed(ageui: Terminal, complete: Any) -> None:
    with Store.open(Path("runs.db")) as store:
        for name in ("first", "first-2", "other", "two words"):
            queued(store, name)
        archived = queued(store, "first-archived")
        store.queue.cancel(archived)
        store.edits.archive([archived])
    assert complete("ageui show fi") == ["first-2", "first"]
    assert complete("ageui compare first --baseline ") == ["constant", "other", "first-2", "first"]
    assert complete("ageui data check ") == ["synthetic"]
    Path("runs.db").rename("else.db")
    assert complete("ageui show fi") == []
    assert complete("ageui show --db else.db fi") == complete("ageui --db else.db show fi") == ["first-2", "first"]
    assert not Path("runs.db").exists()


@pytest.mark.parametrize("content", [None, b"", b"no database" * 100])
def test_completion_is_silent_without_a_database(ageui: Terminal, complete: Any, content: bytes | None) -> None:
    if content is not None:
        Path("runs.db").write_bytes(content)
    assert complete("ageui show ") == []
    assert complete("ageui show --db ~nobody-at-all/x.db ") == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ageui run --preset ", [*choices.PRESETS]),
        ("ageui sweep --loss mse,ma", ["mse,mae", "mse,mape"]),
        ("ageui sweep --weights none,gender+a", ["none,gender+age"]),
        ("ageui run --strategy f", ["freeze", "finetune"]),
        ("ageui ls --format ", ["table", "md", "csv", "json"]),
        ("ageui score --split a", ["all"]),
        ("ageui study show fig", ["figure1", "figure2"]),
        ("ageui explain b", ["bias"]),
        ("ageui wor", ["worker"]),
        ("ageui worker stop --device s", ["slurm"]),
    ],
)
def test_words_are_completed(complete: Any, line: str, offered: list[str]) -> None:
    assert complete(line) == offered


def test_all_studies_are_completed(complete: Any) -> None:
    assert complete("ageui study show ") == sorted(bundled_names())
