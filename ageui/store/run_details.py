"""Complete runs, from rows of all their tables."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store.derivations import read_derivations
from ageui.store.epoch_rows import histories
from ageui.store.records import AttemptRow, CheckpointRow, RunDetail
from ageui.store.run_rows import RUN_ID, RUN_ROWS, attempt_row, checkpoint_row, run_rows
from ageui.store.score_rows import read_scores
from ageui.store.tables import Attempt, Checkpoint, Run


def run_details(session: Session, run_ids: Sequence[int], *, with_groups: bool = False) -> list[RunDetail]:
    """The runs with these ids; skips ids without a run. `with_groups` adds groups to the scores of epochs."""
    rows = run_rows(session, RUN_ROWS.where(RUN_ID.in_(run_ids)))
    parts = (col(Run.data_spec), col(Run.data_hash), col(Run.splits), col(Run.manifest), col(Run.uuid))
    columns = sql_select(RUN_ID, *parts)
    others = {row[0]: row[1:] for row in session.execute(columns.where(RUN_ID.in_(run_ids)))}
    checkpoints: dict[int, list[CheckpointRow]] = defaultdict(list)
    files = select(Checkpoint).where(col(Checkpoint.run_id).in_(run_ids))
    for file in session.exec(files.order_by(col(Checkpoint.step), Checkpoint.kind)).all():
        checkpoints[file.run_id].append(checkpoint_row(file))
    attempts: dict[int, list[AttemptRow]] = defaultdict(list)
    tried = select(Attempt).where(col(Attempt.run_id).in_(run_ids)).order_by(col(Attempt.number))
    for attempt in session.exec(tried).all():
        attempts[attempt.run_id].append(attempt_row(attempt))
    results = read_scores(session, run_ids)
    derived = read_derivations(session, run_ids)
    epochs = histories(session, run_ids, with_groups=with_groups)
    found = []
    for row in rows:
        data_spec, data_hash, splits, manifest, uuid = others[row.id]
        found.append(
            RunDetail(
                row=row,
                data_spec=data_spec,
                data_hash=data_hash,
                splits=splits,
                manifest=manifest,
                history=epochs[row.id],
                results=results[row.id],
                checkpoints=tuple(checkpoints[row.id]),
                attempts=tuple(attempts[row.id]),
                derived_from=derived.get(row.id),
                uuid=uuid,
            )
        )
    return found
