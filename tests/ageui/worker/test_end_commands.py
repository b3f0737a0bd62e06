"""Commands at the end of runs and of the queue: whoever ends a run starts its command, once, and nothing else can."""

import stat
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from living import processes_of
from store_rows import evaluated, running
from terminal import TINY, Terminal
from worker_runs import FAKE, claim_run, orders, queue_run, supervise, wait_until, work

from ageui.files.own_settings import user_file
from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.tui import changes
from ageui.worker import end_commands
from ageui.worker.end_commands import remember, remember_for_queue, start_end_commands
from ageui.worker.lost_runs import recover_lost
from ageui.worker.removal import remove_runs
from ageui.worker.worker_files import worker_log_file

pytestmark = pytest.mark.process

SAY = """{ printf '%s|' "$AGEUI_EVENT" "$AGEUI_RUN_ID" "$AGEUI_RUN_STATUS" "$AGEUI_RUN_NAME"; echo; } >> ends.txt"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are given, and run, in this folder."""
    monkeypatch.chdir(tmp_path)


def said() -> list[str]:
    """What commands wrote, a line each; waits until none runs. One that has just begun has no command line yet."""
    wait_until(
        lambda: all(command and "timed_commands" not in command for command in processes_of(Path.cwd()).values())
    )
    return Path("ends.txt").read_text().splitlines() if Path("ends.txt").exists() else []


def log_of(store: Store) -> str:
    return worker_log_file(store, "cpu").read_text()


def own_settings(**values: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text("[notify]\n" + "\n".join(f'{name} = """{text}"""' for name, text in values.items()))


@pytest.mark.parametrize(("plan", "status"), [({}, "done"), ({"1": [5, "fail data no such file"]}, "failed")])
def test_a_run_that_ends_starts_its_command_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], status: str
) -> None:
    orders(monkeypatch, plan=plan)
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    outcome = supervise(store, run_id)
    assert outcome.status == status
    assert said() == [f"run|{run_id}|{status}|{store.runs.get(run_id).name}|"]
    assert (outcome.commands and outcome.commands.problem()) == ""


def test_a_run_that_is_queued_again_or_paused_has_not_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, step_seconds=0.1)
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    assert supervise(store, run_id, should_stop=lambda: True).status == "queued"
    claim_run(store, run_id)[1].release()
    assert [found.status for found in recover_lost(store)] == ["queued"]
    store.queue.pause(run_id)
    assert said() == []


def test_a_killed_foreground_run_is_announced_by_its_finder(store: Store) -> None:
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    claim_run(store, run_id, worker=None)[1].release()
    assert [found.status for found in recover_lost(store)] == ["interrupted"]
    assert list(recover_lost(store)) == []
    assert [line.split("|")[2] for line in said()] == ["interrupted"]


def test_a_run_whose_workers_keep_dying_is_announced_when_it_fails(store: Store) -> None:
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    statuses = []
    for _ in range(3):
        claim_run(store, run_id)[1].release()
        statuses += [found.status for found in recover_lost(store)]
    assert statuses == ["queued", "queued", "failed"]
    assert [line.split("|")[2] for line in said()] == ["failed"]


def test_a_cancelled_run_starts_it_wherever_it_is_cancelled(store: Store, ageui: Terminal) -> None:
    ids = [queue_run(store, seed=seed) for seed in range(3)]
    remember(store, ids, SAY)
    assert ageui("cancel", str(ids[0])).code == 0
    changes.cancel([ids[1]])(store)
    claim, lock = claim_run(store, ids[2])
    store.queue.cancel(ids[2])
    lock.release()
    list(recover_lost(store))
    assert sorted(line.split("|")[1:3] for line in said()) == [[str(run_id), "cancelled"] for run_id in ids]
    assert claim.run_id == ids[2]


def test_a_run_that_is_tried_again_ends_again(store: Store) -> None:
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    changes.cancel([run_id])(store)
    store.queue.retry(run_id)
    assert supervise(store, run_id).status == "done"
    assert [line.split("|")[2] for line in said()] == ["cancelled", "done"]


def test_values_reach_the_command_as_variables_and_are_never_code(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = queue_run(store)
    name = "$(touch pwned)`touch pwned`'\";touch pwned;\x1b[2J\nא"
    with driver().connect(str(store.path)) as raw:
        raw.execute("UPDATE run SET name = ? WHERE id = ?", (name, run_id))
    monkeypatch.setenv("AGEUI_RUN_SECRET", "of another run")
    remember(store, [run_id], f'{SAY}; printf "%s" "$AGEUI_DB" "$AGEUI_RUN_SECRET" > db.txt; env > env.txt')
    supervise(store, run_id)
    assert said() == [f"run|{run_id}|done|$(touch pwned)`touch pwned`'\";touch pwned; א|"]
    assert not Path("pwned").exists()
    assert Path("db.txt").read_text() == str(store.path)
    variables = dict(line.split("=", 1) for line in Path("env.txt").read_text().splitlines() if "AGEUI_RUN_" in line)
    assert {"AGEUI_RUN_BIAS_GENDER", "AGEUI_RUN_ERROR", "AGEUI_RUN_SPLIT", "AGEUI_RUN_TAGS"} <= variables.keys()


def test_scores_are_among_the_values(store: Store) -> None:
    run_id, attempt = running(store, "scored")
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(evaluated("valid"), "apparent", "synthetic")
        writer.end("done", "")
    remember(store, [run_id], 'echo "$AGEUI_RUN_SPLIT $AGEUI_RUN_MAE $AGEUI_RUN_BIAS_GENDER" >> ends.txt')
    start_end_commands(store, [run_id], print)
    summary = store.runs.get(run_id).summary
    assert said() == [f"valid {summary.mae:.4f} {summary.bias['gender']:.4f}"]


def test_a_command_that_hangs_is_killed_with_all_that_it_started(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_commands, "SECONDS", 0.5)
    run_id = queue_run(store)
    remember(store, [run_id], "sleep 300 & echo $! > child.txt; echo begun; sleep 300")
    outcome = supervise(store, run_id)
    assert outcome.status == "done"
    assert outcome.commands is not None
    assert outcome.commands.problem() == (
        f"a command of --on-end failed; runs are unaffected; see {worker_log_file(store, 'cpu')}"
    )
    child = int(Path("child.txt").read_text())
    wait_until(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())
    assert "begun\n" in log_of(store)
    assert f"the command of --on-end for run {run_id} was killed, because it did not end within 0.5" in log_of(store)


def test_a_command_that_fails_is_said_once_and_changes_nothing(store: Store) -> None:
    run_id = queue_run(store)
    remember(store, [run_id], "echo no >&2; exit 3")
    assert work(store) == "nothing to do for 0 seconds"
    assert said() == []
    assert store.runs.get(run_id).status == "done"
    assert log_of(store).count(f"the command of --on-end for run {run_id} exited with code 3") == 1


def test_a_flag_beats_the_users_own_file_which_counts_for_all_other_runs(store: Store) -> None:
    own_settings(on_end="echo own >> $PWD/own.txt", on_queue_end="echo queue >> own.txt")
    mine, other, without = (queue_run(store, seed=seed) for seed in range(3))
    remember(store, [mine], SAY)
    remember(store, [without], "")
    for run_id in (mine, other, without):
        supervise(store, run_id)
    assert len(said()) == 1
    assert (Path.home() / "own.txt").read_text() == "own\nqueue\n"


def test_an_own_file_that_is_wrong_is_said_and_the_run_ends_as_ever(store: Store) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("[notify]\non_end = 5\n")
    problems: list[str] = []
    run_id = queue_run(store)
    assert supervise(store, run_id).status == "done"
    start_end_commands(store, [run_id], problems.append)
    assert problems == [f"{user_file()}: [notify] on_end: give a text"]


def test_no_other_file_or_variable_can_name_a_command(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[notify]\non_end = "touch pwned"\n'
    refused = f"[notify] starts commands, so it belongs in your own file, {user_file()}"
    Path("ageui.toml").write_text(text)
    done = ageui("run", *TINY, "--detach")
    assert (done.code, refused in done.err) == (2, True)
    Path("ageui.toml").rename("other.toml")
    done = ageui("sweep", *TINY, "--config", "other.toml")
    assert (done.code, refused in done.err) == (2, True)
    Path("flat.toml").write_text('on_end = "touch pwned"\n')
    assert "unknown field 'on_end'" in ageui("sweep", *TINY, "--config", "flat.toml").err
    monkeypatch.setenv("AGEUI_ON_END", "touch pwned")
    assert "ageui has no environment variable AGEUI_ON_END" in ageui("explain", "bias").err
    assert not Path("runs.db").exists() or not Store.open(Path("runs.db")).runs.ids("")


def test_another_persons_database_starts_nothing(store: Store, tmp_path: Path) -> None:
    """Neither a copy with another identity, nor one whose identities try to lead to a file."""
    run_id = queue_run(store)
    remember(store, [run_id], SAY)
    remember_for_queue(store, SAY)
    with driver().connect(str(store.path)) as raw:
        raw.execute("UPDATE database SET uuid = ?", ("../../elsewhere",))
        raw.execute("UPDATE run SET uuid = ?", ("../../../file",))
    assert supervise(store, run_id).commands is None
    assert said() == []


def test_commands_are_kept_where_only_their_owner_reads_them(store: Store) -> None:
    run_id = queue_run(store)
    remember(store, [run_id], "curl https://example.org/?token=secret")
    remember_for_queue(store, SAY)
    folder = platformdirs.user_state_path("ageui", appauthor=False) / "on-end"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes, len(list(folder.iterdir()))) == (0o700, {0o600}, 2)
    content = b"".join(file.read_bytes() for file in store.path.parent.iterdir() if file.is_file())
    assert b"secret" not in content
    remember(store, [run_id], SAY)
    deleted = queue_run(store, seed=1)
    remember(store, [deleted], SAY)
    changes.cancel([deleted])(store)
    remove_runs(store, [deleted])
    supervise(store, run_id)
    assert len(said()) == 3
    assert list(folder.iterdir()) == []


def test_the_end_of_the_queue_is_announced_once_at_the_end_of_the_last_run(store: Store) -> None:
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    remember_for_queue(store, SAY)
    remember_for_queue(store, "echo another >> ends.txt")
    supervise(store, ids[0])
    assert said() == []
    supervise(store, ids[1])
    assert sorted(said()) == ["another", f"queue|{ids[1]}|done|{store.runs.get(ids[1]).name}|"]
    assert [store.endings.ended_queue([run_id]) for run_id in ids] == [False, True]
    supervise(store, queue_run(store, seed=2))
    assert len(said()) == 2


def test_a_queue_whose_last_run_is_held_has_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [queue_run(store, seed=seed) for seed in range(2)]
    remember(store, ids, SAY)
    remember_for_queue(store, SAY)
    monkeypatch.setattr(
        "ageui.worker.lane.Lane._why_too_large",
        lambda lane, run_id: "too large" if run_id == ids[1] and store.runs.get(run_id).status == "queued" else "",
    )
    work(store)
    name = [store.runs.get(run_id).name for run_id in ids]
    assert sorted(said()) == [f"queue|{ids[1]}|paused|{name[1]}|", f"run|{ids[0]}|done|{name[0]}|"]


@pytest.mark.usefixtures("no_network_checks")
def test_flags_reach_the_worker_that_ends_the_runs(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.console.background.start_missing_workers", lambda *_: None)
    assert ageui("run", *TINY, "--detach", "--name", "one", "--on-end", SAY).code == 0
    assert ageui("sweep", *TINY, "--set", "seed=1", "--name", "two", "--on-queue-end", SAY).code == 0
    with Store.open(Path("runs.db")) as store:
        work(store)
        assert [line.split("|")[0] + line.split("|")[3] for line in said()] == ["runone", "queuetwo"]
        store.queue.pause_queue("a test")
        run_id = queue_run(store, seed=9)
        store.queue.cancel(run_id)
    assert ageui("retry", str(run_id), "--on-end", SAY).code == 0
    assert ageui("cancel", str(run_id)).code == 0
    assert len(said()) == 3


@pytest.mark.usefixtures("no_network_checks")
def test_the_foreground_says_that_a_command_failed_and_exits_as_the_run_did(
    ageui: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.worker.supervisor.Policy", lambda **_: FAKE)
    done = ageui("run", *TINY, "--on-end", "exit 1", "--json")
    assert "a command of --on-end failed; runs are unaffected; see " in done.err
    assert done.code == 0
