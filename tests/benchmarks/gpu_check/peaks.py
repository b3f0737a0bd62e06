"""Part: the peak memory of training by batch size, and how far a line between two batches is off for one between."""

from dataclasses import replace

from check import Session
from step_timing import Steps, engine_steps, training_of

BEFORE = 6
"""Steps before the peak is taken: by then each shape has its CUDA graph."""


def measure(session: Session) -> None:
    sizes = session.check.sizes
    peaks: dict[int, int] = {}
    first, last = sizes.batches[0], sizes.batches[-1]
    for batch in (first, last, *sizes.batches[1:-1]):
        steps = _peak(session, sizes.networks[0], batch)
        peaks[batch] = steps.peak_bytes
        beside = ""
        if first < batch < last:
            line = peaks[first] + (peaks[last] - peaks[first]) * (batch - first) / (last - first)
            beside = f"{line / 1e9:.2f} GB by a line from {first} to {last} ({line / steps.peak_bytes - 1:+.1%})"
        _row(session, f"{sizes.networks[0]}, batch {batch}", steps, beside)
    without = _peak(session, sizes.networks[0], sizes.batch, graphs=False)
    _row(session, f"{sizes.networks[0]}, batch {sizes.batch}, without CUDA graphs", without)
    _row(session, f"{sizes.networks[1]}, batch {sizes.batch}", _peak(session, sizes.networks[1], sizes.batch))


def _peak(session: Session, network: str, batch: int, *, graphs: bool = True) -> Steps:
    training = training_of(session.check, session.found["images"], network, session.check.sizes.pixels, batch)
    return engine_steps(replace(training, warm_steps=BEFORE, timed_steps=1), session.check, graphs=graphs)


def _row(session: Session, what: str, steps: Steps, beside: str = "") -> None:
    kind = "reserved by torch, held pixels included" if steps.bytes_in_use else "resident"
    in_use = f"{steps.bytes_in_use / 1e9:.2f} GB in use on the GPU, all programs" if steps.bytes_in_use else ""
    session.row(what, f"{steps.peak_bytes / 1e9:.2f} GB {kind}", steps.beside(in_use, beside))
