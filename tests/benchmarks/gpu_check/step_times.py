"""Part: the time of a training step, with CUDA graphs and without, against a plain loop in PyTorch's best setting."""

from check import Session
from step_timing import engine_steps, plain_steps, training_of

PLAIN = "PyTorch's best setting"
PLAIN_SAYS = (
    "plain loop: channels_last, bf16 autocast, cudnn.benchmark, fused Adam, not compiled; one batch, on the device"
)
WAYS: dict[str, dict[str, object]] = {
    "ageui": {},
    "ageui, AGEUI_CUDA_GRAPHS=off": {"graphs": False},
    "ageui, deterministic=false": {"deterministic": False},
}


def measure(session: Session, place: int) -> None:
    check, sizes = session.check, session.check.sizes
    network = sizes.networks[place]
    training = training_of(check, session.found["images"], network, sizes.pixels)
    title = f"{network}, {sizes.pixels} px, batch {sizes.batch}"
    plain = plain_steps(training, check)
    session.keep(f"plain step {place}", plain.median)
    session.row(f"{title}: {PLAIN}", str(plain), f"{PLAIN_SAYS}; {plain.peak}")
    for way, changes in WAYS.items():
        steps = engine_steps(training, check, **changes)
        if not changes:
            session.keep(f"step {place}", steps.median)
        speed = f"{plain.median / steps.median:.2f} times as fast as {PLAIN}"
        session.row(f"{title}: {way}", str(steps), steps.beside(speed, steps.arithmetic, steps.peak))
