"""Part: pixels held on the device against pixels streamed to it while it computes."""

from check import Session
from step_timing import engine_steps, training_of

EVERYTHING, NOTHING = 2**50, 0


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    for network, pixels in sizes.large_and_small:
        training = training_of(check, session.found["images"], network, pixels)
        title = f"{network}, {pixels} px, batch {sizes.batch}"
        held = engine_steps(training, check, pixel_bytes=EVERYTHING)
        session.row(f"{title}: pixels held on the device", str(held), held.beside())
        streamed = engine_steps(training, check, pixel_bytes=NOTHING)
        speed = f"{held.median / streamed.median:.2f} times as fast as held"
        session.row(f"{title}: streamed", str(streamed), speed)
