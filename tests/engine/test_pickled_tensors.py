"""Files of torch.save are read as tensors and plain values; nothing that they hold runs, and what would is named."""

import argparse
import collections
import datetime
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.pickled_tensors import StandIn, load_foreign, load_tensors

TENSORS = {"conv1.weight": torch.arange(3.0)}


class AttributeDict(dict[str, Any]):
    pass


class Names(list[str]):
    pass


class Harm:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def saved(content: object, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


FORMS: list[dict[str, Any]] = [{}, {"_use_new_zipfile_serialization": False}]


@pytest.mark.parametrize("form", FORMS, ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "beside",
    [
        argparse.Namespace(lr=0.1, folder=Path("/x")), np.float64(3), np.arange(3), AttributeDict(lr=0.1), Names("ab"),
        collections.defaultdict(list, a=[1]), datetime.datetime(2020, 1, 1), print, frozenset("a"), 10**30,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_objects_beside_the_tensors_do_not_disturb(form: dict[str, Any], beside: object) -> None:
    found = load_foreign(saved({"args": beside, "state": TENSORS, "again": [beside]}, **form), "w.pth")
    assert torch.equal(found["state"]["conv1.weight"], TENSORS["conv1.weight"])


ATTACKS: list[Callable[[Path], Harm]] = [
    lambda harm: Harm(Path.touch, harm),
    lambda harm: Harm(eval, f"open({str(harm)!r}, 'w')"),
    lambda harm: Harm(os.system, f"touch {harm}"),
]


@pytest.mark.parametrize("form", FORMS, ids=["zip", "legacy"])
@pytest.mark.parametrize(("attack", "is_refused"), zip(ATTACKS, (True, False, True), strict=True))
def test_nothing_in_a_file_of_torch_save_runs(
    form: dict[str, Any], attack: Callable[[Path], Harm], is_refused: bool, tmp_path: Path
) -> None:
    harm = tmp_path / "harm"
    content = saved({"a": attack(harm), **TENSORS}, **form)
    if is_refused:
        with pytest.raises(ValueError, match="which could run code when read"):
            load_foreign(content, "w.pth")
    else:
        assert isinstance(load_foreign(content, "w.pth")["a"], StandIn)
    assert not harm.exists()


@pytest.mark.parametrize("protocol", [2, pickle.DEFAULT_PROTOCOL])
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_a_pickle_runs(attack: Callable[[Path], Harm], protocol: int, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    content = pickle.dumps(attack(harm), protocol=protocol)
    with pytest.raises(ValueError, match="which could run code when read"):
        load_foreign(content, "w.pth")
    assert not harm.exists()
    pickle.loads(content)
    assert harm.exists(), "the attack does harm if it runs"


def test_a_whole_model_is_a_stand_in_with_its_name() -> None:
    found = load_foreign(saved({"model": nn.Linear(2, 2)}), "w.pth")["model"]
    assert (found.is_module, found.name) == (True, "torch.nn.modules.linear.Linear")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            saved(nn.Linear(2, 2), _use_new_zipfile_serialization=False),
            r"a whole pickled model \(torch\.nn\..*Linear\)",
        ),
        (pickle.dumps({"a": np.zeros(2)}), "a pickle that torch.save did not write, which could run code"),
        (saved(TENSORS, pickle_protocol=4), "a pickle protocol that cannot be read safely"),
        (saved(TENSORS)[:300], "it is truncated or damaged"),
        (saved(TENSORS, _use_new_zipfile_serialization=False)[:300], "it is damaged, truncated"),
        (b"\x80", "it is damaged"),
    ],
    ids=["legacy model", "pickle", "protocol", "cut", "legacy cut", "one byte"],
)
@pytest.mark.filterwarnings("error")
def test_unreadable_files_are_explained_without_words_of_torch(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        load_foreign(content, "w.pth")
    assert "allowlist" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.process
def test_the_advised_command_converts_a_trusted_file(tmp_path: Path) -> None:
    path = tmp_path / 'it\'s a "model".pth'
    path.write_bytes(saved(nn.Linear(2, 2), _use_new_zipfile_serialization=False))
    with pytest.raises(ValueError, match="python -c") as caught:
        load_foreign(path.read_bytes(), str(path))
    command = f"{sys.executable} -c {str(caught.value).partition('python -c ')[2]}"
    subprocess.run(command, shell=True, check=True)
    (converted,) = set(tmp_path.iterdir()) - {path}
    assert set(load_foreign(converted.read_bytes(), str(converted))) == {"weight", "bias"}


def test_a_checkpoint_of_our_own_may_hold_no_object() -> None:
    assert load_tensors(saved({"state": TENSORS, "epoch": 3}))["epoch"] == 3
    with pytest.raises(ValueError, match="it holds Python objects"):
        load_tensors(saved({"state": TENSORS, "args": argparse.Namespace()}))
