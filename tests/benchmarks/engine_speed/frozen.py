"""Stage 1, in which only the head trains: ageui really run, the plain loop measured for an epoch and scaled."""

from functools import partial

from children import measured
from tables import ratios, section, spread, table
from topic import Asked, in_turn
from work import Training

TRAIN, VALID, EPOCHS, SIZE, BATCH = 256, 64, 25, 224, 32
PLAIN, BEST, KEPT = "plain", "plain, best", "plain, best, features kept by hand"
COLD, DECODED, CACHED = "ageui, nothing cached", "ageui, images decoded", "ageui, images and features cached"


def training(asked: Asked, train: int = TRAIN, valid: int = VALID) -> Training:
    return Training(
        folder=asked.faces.of(train, valid),
        backbone=asked.backbone,
        size=SIZE,
        batch=BATCH,
        epochs=EPOCHS,
        workers=asked.workers,
        init=asked.init,
        frozen=True,
    )


def measure(asked: Asked) -> dict[str, list[float]]:
    """Seconds of 25 epochs for every repeat; those of the plain loops are 25 times those of one epoch."""
    return in_turn(
        asked.repeats,
        {
            PLAIN: partial(_plain, asked, False),
            BEST: partial(_plain, asked, True),
            KEPT: partial(_kept, asked),
            COLD: partial(_cold, asked),
            DECODED: partial(_decoded, asked),
            CACHED: partial(_cached, asked),
        },
    )


def shown(found: dict[str, list[float]], asked: Asked) -> str:
    rows = []
    for way, seconds in found.items():
        against = [spread(ratios(found[peer], seconds), "{:.1f}") if peer in found else "–" for peer in (PLAIN, BEST)]
        rows.append((f"{way} (scaled)" if way in (PLAIN, BEST) else way, spread(seconds, "{:.1f}"), *against))
    return section(
        "Frozen stage",
        f"{EPOCHS} epochs of the head on {asked.backbone} at {SIZE} px, {TRAIN} train and {VALID} validation images, "
        f"batch {BATCH}, {asked.workers} loader workers in the best setting. **Scaled** means: one epoch with its "
        f"validation was measured after two batches of warming up, and taken {EPOCHS} times. ageui's figures are of "
        "whole runs, with scoring and writing. What it gains comes from sending each image through the backbone once, "
        "which anyone can do by hand, as the third row does. Imports are in none of the figures.",
        table(("way", "seconds", "plain / way", "plain, best / way"), rows),
    )


def plain_seconds(training: Training, *, best: bool) -> float:
    """Seconds of a plain loop's epochs, scaled from one."""
    return training.epochs * float(measured("plain_frozen", training=training.to_json(), best=best).found)


def _plain(asked: Asked, best: bool, repeat: int) -> float:
    return plain_seconds(training(asked), best=best)


def _kept(asked: Asked, repeat: int) -> float:
    return float(measured("plain_kept_features", training=training(asked).to_json()).found)


def _run(asked: Asked, cache: str) -> float:
    return float(measured("ageui_run", training=training(asked).to_json(), cache=cache).found)


def _cold(asked: Asked, repeat: int) -> float:
    with asked.empty_cache() as cache:
        return _run(asked, cache)


def _decoded(asked: Asked, repeat: int) -> float:
    (asked.folder / "cache" / "features").mkdir(parents=True, exist_ok=True)
    if repeat == 0:
        _run(asked, asked.cache)  # decodes the images
    # Features of earlier runs go, decoded images stay.
    for file in (asked.folder / "cache" / "features").iterdir():
        file.unlink()
    return _run(asked, asked.cache)


def _cached(asked: Asked, repeat: int) -> float:
    return _run(asked, asked.cache)
