"""The part of `ageui doctor` that checks a Slurm cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ageui.cli.options import open_store

_SECONDS = 60.0


@dataclass(frozen=True)
class Finding:
    """The result of one check; unless it is `well`, `text` says what to do."""

    topic: str
    well: bool
    text: str


def check_cluster(on: str, sbatch: Sequence[str], database: Path, data_root: Path | None) -> Iterator[Finding]:
    """Checks Slurm's commands, and by a job that a node sees the files of runs and the data, with equal versions."""
    from ageui.cli.cluster import cluster_options
    from ageui.worker.places.protocol import RefusedError, UnreachableError
    from ageui.worker.places.slurm_check import NoAnswerError, ask_a_node, own_versions
    from ageui.worker.places.slurm_commands import version
    from engine.errors import AgeUIError

    options = cluster_options(on, sbatch)
    try:
        yield Finding("slurm", True, version())
    except (RefusedError, UnreachableError) as error:
        yield Finding("slurm", False, str(error))
        return
    if not database.exists():
        yield Finding(
            "storage", False, f"{database} does not exist yet; make it with: ageui worker start --on slurm --files DIR"
        )
        return
    with open_store(database, read_only=True) as store:
        root = data_root and data_root.absolute()
        named = ((data_set.path, data_set.images, data_set.ignore) for data_set in store.data.all())
        paths = list(dict.fromkeys(path for paths in named for path in paths if path is not None))
        try:
            answer = ask_a_node(store.folder, paths, options.job_options({}), _SECONDS, root)
        except (NoAnswerError, AgeUIError, OSError) as error:
            advice = "nodes must see the folder of runs and this Python; see ageui explain cluster"
            yield Finding("storage", False, f"{error}; {advice}")
            return
        yield Finding("storage", True, f"{store.folder}: this machine and {answer.node} read what the other wrote")
    own, found = own_versions(), answer.versions
    differing = [f"{name} {found[name]} there, {own[name]} here" for name in own if found[name] != own[name]]
    yield Finding("node", not differing, f"{answer.node}: {'; '.join(differing) or 'the versions of this machine'}")
    for path in answer.missing:
        yield Finding(
            "data",
            False,
            f"{path} is missing on {answer.node}; mount or copy it there, or name its --data-root",
        )
