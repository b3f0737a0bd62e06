"""The question whether there is a CUDA device, which must not cost the asking process torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine import cuda

ASK = "import sys; from engine import cuda; cuda._DRIVERS = (cuda.Path('/'),); print(cuda.cuda_available()); "


def test_without_a_driver_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_DRIVERS", (Path("/there/is/no/driver"),))
    monkeypatch.setattr(cuda, "_asked_elsewhere", lambda: pytest.fail("asked"))
    assert cuda.cuda_available() is False


@pytest.mark.process
def test_another_process_is_asked_and_this_one_stays_without_torch() -> None:
    program = ASK + "print('torch' in sys.modules, cuda._asked_elsewhere.cache_info().misses)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    answer, has_torch, times = done.stdout.split()
    assert answer in ("True", "False")
    assert (has_torch, times) == ("False", "1")


@pytest.mark.parametrize("answer", ["True", "False"])
def test_the_answer_of_the_other_process_counts(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_QUESTION", f"print({answer})")
    assert cuda._asked_elsewhere.__wrapped__() is (answer == "True")


def test_a_process_that_fails_means_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_QUESTION", "raise SystemExit('no torch here')")
    assert cuda._asked_elsewhere.__wrapped__() is False
