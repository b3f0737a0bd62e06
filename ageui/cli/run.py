"""`ageui run`: one run in the foreground."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from ageui.cli.options import AsJson, Database, messages, open_store, print_json
from engine import choices

MODEL, TRAINING, DATA, THIS_RUN = "Model", "Training", "Data", "This run"


def _flag(help_text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, metavar=metavar, show_default=False)


def run(
    data: Annotated[str | None, _flag("A registered data set, or synthetic.", DATA, "NAME")] = None,
    size: Annotated[int | None, _flag("Side of the input image.", DATA, "PIXELS")] = None,
    augment: Annotated[str | None, _flag("Augmentation of train images.", DATA, "|".join(choices.AUGMENTS))] = None,
    backbone: Annotated[
        str | None, _flag("ResNet or torchvision classifier; NAME@LAYER cuts it, resnet50-v1 is Keras' form.", MODEL)
    ] = None,
    init: Annotated[str | None, _flag("Weights to start from.", MODEL, "imagenet|random|FILE")] = None,
    head: Annotated[str | None, _flag("Layers put on the backbone.", MODEL, "|".join(choices.HEADS))] = None,
    loss: Annotated[str | None, _flag("Training loss.", TRAINING, "|".join(choices.LOSSES))] = None,
    weights: Annotated[
        str | None, _flag("Attributes that weigh the samples.", TRAINING, "none|gender|age|ethnicity|expression|A,B")
    ] = None,
    strategy: Annotated[
        str | None, _flag("freeze: new layers first, then all.", TRAINING, "|".join(choices.STRATEGIES))
    ] = None,
    epochs: Annotated[str | None, _flag("Epochs, per stage: 25,25.", TRAINING, "N[,N]")] = None,
    optimizer: Annotated[str | None, _flag("With Keras' constants.", TRAINING, "|".join(choices.OPTIMIZERS))] = None,
    lr: Annotated[str | None, _flag("Learning rate, one or one per stage.", TRAINING, "X[,X]")] = None,
    batch: Annotated[int | None, _flag("Images per step.", TRAINING, "N")] = None,
    seed: Annotated[int | None, _flag("Seed of everything random.", TRAINING, "N")] = None,
    device: Annotated[str | None, _flag("Where to compute.", TRAINING, "auto|cpu|cuda[:N]")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any other field; see ageui config show.",
            rich_help_panel=TRAINING,
            metavar="FIELD=VALUE",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[str | None, _flag("Settings to start from.", THIS_RUN, "|".join(choices.PRESETS))] = None,
    config: Annotated[Path | None, _flag("Settings from a TOML file.", THIS_RUN, "FILE")] = None,
    name: Annotated[str | None, _flag("Name of the run; else one is made up.", THIS_RUN)] = None,
    tag: Annotated[list[str] | None, _flag("Tag, may be repeated.", THIS_RUN)] = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Train one run here, store it, and print what it scored.

    With no preset named, a CUDA device means report, none means quick. With no data named, the one registered data
    set is used, else synthetic faces. Ctrl-C stops after the step and keeps what was measured.
    """
    from ageui.settings import parse_assignments, resolve
    from ageui.worker.foreground import work_on
    from engine.data.spec import BUILT_IN
    from engine.device import cuda_available

    named = dict(
        data=data, size=size, augment=augment, backbone=backbone, init=init, head=head, loss=loss, weights=weights,
        strategy=strategy, epochs=epochs, optimizer=optimizer, lr=lr, batch=batch, seed=seed, device=device,
    )  # fmt: skip
    flags = {field: value for field, value in named.items() if value is not None}
    flags.update(parse_assignments(assignments or []))

    with open_store(db, create=True) as store:
        registered = [spec.name for spec in store.data_sets() if spec != BUILT_IN]
        resolved = resolve(
            flags, preset=preset, config_file=config, registered=registered, cuda_available=cuda_available
        )
        spec = store.data_set(resolved.config.data)
        run_id = store.add_run(resolved.config, spec, name=name, tags=tag or [])
        row = store.row(run_id)
        console = messages()
        console.print(f"run {run_id} {row.name}: {resolved.config.loss} loss, data {spec.name}, {store.path}")
        if preset is None:
            console.print(f"preset {resolved.preset}: {resolved.preset_origin}; choose with --preset")
        if data is None:
            console.print(f"data {resolved.config.data}: {resolved.data_origin}; choose with --data")

        from ageui.cli.progress import progress_display

        with progress_display(console) as show, _stop_on_interrupt(console.print) as should_stop:
            ended = work_on(store, run_id, resolved.config, spec, emit=show, should_stop=should_stop)
        detail = store.detail(run_id)

    if as_json:
        print_json(detail.to_json())
    else:
        from ageui.cli.report import print_run

        print_run(detail)
    if ended.outcome == "interrupted":
        raise typer.Exit(130)
    if ended.outcome == "diverged":
        console.print(f"run {run_id} diverged: {ended.reason}; try a lower --lr")
        raise typer.Exit(1)


@contextmanager
def _stop_on_interrupt(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Gives a function that is true once SIGINT or SIGTERM came; a second SIGINT interrupts at once."""
    stopping = False

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        say("stopping after this step; what was measured is kept (again to stop at once)")

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
