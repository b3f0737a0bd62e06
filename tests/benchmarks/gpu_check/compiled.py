"""Part: whether torch.compile pays, for the plain loop and for ageui."""

from check import Session
from step_timing import Steps, engine_steps, plain_steps, training_of

MODES = ("default", "reduce-overhead")


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    for place, network in enumerate(sizes.networks):
        training = training_of(check, session.found["images"], network, sizes.pixels)
        title = f"{network}, {sizes.pixels} px, batch {sizes.batch}"
        for mode in MODES if place == 0 else MODES[:1]:
            steps = plain_steps(training, check, mode)
            _row(session, f"{title}: PyTorch's best setting, torch.compile, mode {mode}", steps, place)
        if place == 0:
            _row(session, f"{title}: ageui, compile=true", engine_steps(training, check, compile=True), place)


def _row(session: Session, what: str, steps: Steps, place: int) -> None:
    said = [f"{steps.seconds_before:.0f} s before the first step that is timed"]
    own, plain = session.found.get(f"step {place}"), session.found.get(f"plain step {place}")
    if own is not None and plain is not None:
        said.append(f"ageui takes {own:.2f} ms, the plain loop without it {plain:.2f} ms")
        saved = plain - steps.median
        pays = f"pays after {1000 * steps.seconds_before / saved:,.0f} steps" if saved > 0 else "never pays"
        said.append(f"{pays} against the plain loop")
    session.row(what, str(steps), steps.beside(*said))
