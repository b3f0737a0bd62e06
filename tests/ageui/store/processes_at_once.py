"""Processes that do the same thing at the same moment."""

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path


def exit_codes_at_once(work: Callable[[Path], None], paths: Sequence[Path]) -> list[int | None]:
    """Exit codes of one process for each path, which all begin their work together."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(paths))
    processes = [context.Process(target=_begin_together, args=(barrier, work, path)) for path in paths]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def _begin_together(barrier: Barrier, work: Callable[[Path], None], path: Path) -> None:
    barrier.wait()
    work(path)
