"""Part: two runs at a time on one device, each in a process of its own, against one alone."""

import time
from dataclasses import replace

from check import Check, Session
from neighbours import Neighbour
from step_timing import training_of
from work import Training


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    for network, pixels in sizes.large_and_small:
        training = training_of(check, session.found["images"], network, pixels)
        together, alone = _measured(check, training)
        rates = " + ".join(f"{rate:,.0f}" for rate in together)
        session.row(
            f"two runs of {network}, {pixels} px, batch {sizes.batch}",
            f"{rates} = {sum(together):,.0f} images/s, validation included",
            f"{sum(together) / alone:.2f} times the {alone:,.0f} images/s of one alone",
        )


def _measured(check: Check, training: Training) -> tuple[list[float], float]:
    """Images per second of each of two at a time, then of one alone."""
    both = [Neighbour(replace(training, seed=seed), str(check.cache)) for seed in range(2)]
    for one in both:
        one.warm_up()
    together = _counted(both, check.sizes.seconds_side_by_side)
    left, other = both
    other.close()
    (alone,) = _counted([left], check.sizes.seconds_side_by_side)
    left.close()
    return together, alone


def _counted(runs: list[Neighbour], seconds: float) -> list[float]:
    for one in runs:
        one.begin()
    time.sleep(seconds)
    for one in runs:
        one.end()
    return [one.images_per_second() for one in runs]
