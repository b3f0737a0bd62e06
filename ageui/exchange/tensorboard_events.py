"""A run as an event file of TensorBoard: curves, figures, settings and hyperparameters."""

import bisect
import io
import re
from itertools import accumulate
from typing import Any, Final

from ageui.exchange.run_figures import Points, curves, figures, settings
from ageui.present import markdown
from ageui.present.table import Table
from ageui.store import RunDetail
from engine.extras import needs

EXTRA: Final = "tensorboard"
_NAME: Final = re.compile(r"events\.out\.tfevents\.\d+\.[0-9a-f]{32}")
_VERSION: Final = "brain.Event:2"


def event_file_name(run: RunDetail) -> str:
    """A name that TensorBoard recognises, with the run's start in seconds."""
    return f"events.out.tfevents.{int(_start(run))}.{run.uuid}"


def is_event_file(name: str) -> bool:
    """Whether an export gave a file this name; other writers of event files name their host.

    >>> is_event_file("events.out.tfevents.1700000000." + 32 * "a"), is_event_file("events.out.tfevents.17.host.9.0")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None


def event_file(run: RunDetail, step_losses: Points) -> bytes:
    """The content of an event file.

    TensorBoard keeps scalars in fp32. Points carry the time at which their epoch ended, measured from the run's start;
    figures are points at the epoch of the kept weights. Unlike TensorBoard's own writer, this names no host.

    Parameters
    ----------
    run
        A run without private parts, see `shareable`.
    step_losses
        Its losses by step.

    Raises
    ------
    ConfigError
        Without the extra `tensorboard`.
    """
    needs(EXTRA, "tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.record_writer import RecordWriter

    start = _start(run)
    content = io.BytesIO()
    records = RecordWriter(content)

    def write(step: int, wall_time: float, **what: Any) -> None:
        records.write(Event(step=step, wall_time=wall_time, **what).SerializeToString())

    write(0, start, file_version=_VERSION)
    write(0, start, summary=hparams_pb(settings(run), trial_id=run.name, start_time_secs=start))
    rows = [(name, str(value)) for name, value in settings(run).items()]
    write(0, start, summary=text_pb("settings", markdown.table_text(Table.of_names(("setting", "value"), rows))))
    ended = list(accumulate((epoch.seconds for epoch in run.history), initial=start))
    steps = [epoch.step for epoch in run.history]
    for tag, points in curves(run, step_losses).items():
        for step, value in points:
            place = step if tag.startswith("epoch/") else bisect.bisect_left(steps, step) + 1
            moment = ended[min(place, len(ended) - 1)]
            write(step, moment, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))
    kept = run.kept_epoch.epoch if run.kept_epoch is not None else 0
    for tag, figure in figures(run).items():
        write(kept, ended[-1], summary=Summary(value=[Summary.Value(tag=tag, simple_value=figure)]))
    return content.getvalue()


def _start(run: RunDetail) -> float:
    return (run.row.started_at or run.row.created_at).timestamp()
