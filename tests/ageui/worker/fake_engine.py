"""Stands in for the engine's process: speaks its protocol, checkpoints and resumes, but computes next to nothing.

It starts in milliseconds, and does as `FAKE_ENGINE` says, JSON with `steps`, `step_seconds`, and `plan`: what to do at
which step of which attempt, as {"1": [5, "SIGSEGV"]}. The protocol is written out by hand here: what the real one
sends is compared with it by the tests that use both.
"""

import hashlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

STEPS_PER_EPOCH = 4
STEPS_PER_CHECKPOINT = 3


class Fake:
    def __init__(self, request: dict[str, Any], descriptor: int) -> None:
        self.request, self.descriptor = request, descriptor
        self.orders = {"steps": 8, "step_seconds": 0.0, "plan": {}, **json.loads(os.environ.get("FAKE_ENGINE", "{}"))}
        self.folder, self.attempt = Path(request["folder"]), request["attempt"]
        self.number = self.step = self.files = 0

    def tell(self, event: str, **fields: Any) -> None:
        head = {"attempt": self.attempt, "number": self.number, "event": event}
        content = json.dumps({**head, **fields}).encode() + b"\n"
        while content:
            content = content[os.write(self.descriptor, content) :]
        self.number += 1

    def loss(self, step: int) -> float:
        return 1.0 / (step + self.request["config"]["seed"])

    def checkpoint(self, kind: str = "state") -> None:
        self.files += 1
        name = (
            f"weights-{self.attempt}.safetensors"
            if kind == "best"
            else f"state-{self.step}-{self.attempt}.{self.files}.pt"
        )
        content = json.dumps({"step": self.step, "seed": self.request["config"]["seed"]}).encode()
        part = self.folder / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.folder / name)
        sha256, epoch = hashlib.sha256(content).hexdigest(), self.step // STEPS_PER_EPOCH
        self.tell(
            "CheckpointWritten", kind=kind, path=name, epoch=epoch, step=self.step, sha256=sha256, bytes=len(content)
        )

    def begin(self) -> None:
        for file in self.request["checkpoints"]:
            path = self.folder / file["path"]
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]:
                self.step = json.loads(path.read_text())["step"]
                break
            self.tell("Noted", message=f"gone back: {path.name} is damaged", warning=True)
        manifest = {"device": "fake", "threads": 2, "data": {"hash": "d00d", "splits": {}}}
        self.tell("RunStarted", manifest=manifest, step=self.step, epoch=self.step // STEPS_PER_EPOCH)
        epochs = self.orders["steps"] // STEPS_PER_EPOCH
        self.tell(
            "StageStarted", stage=1, stages=1, epochs=epochs, steps_per_epoch=STEPS_PER_EPOCH, trainable_parameters=1
        )

    def train(self) -> None:
        sys.stdout.write("a line of the log\n")
        sys.stdout.flush()
        self.begin()
        at, what = self.orders["plan"].get(str(self.attempt), (-1, ""))
        while self.step < self.orders["steps"]:
            if self.step == at:
                self.obey(what)
            if select.select([0], [], [], self.orders["step_seconds"])[0] and not os.read(0, 1):
                self.checkpoint()
                self.end("interrupted", 75)
            self.step += 1
            losses = [[self.step, self.loss(self.step)]]
            rates = {"images_per_second": 100.0, "eta_seconds": 1.0}
            epoch = (self.step - 1) // STEPS_PER_EPOCH + 1
            self.tell(
                "StepsEnded",
                stage=1,
                epoch=epoch,
                step=self.step,
                total_steps=self.orders["steps"],
                losses=losses,
                **rates,
            )
            if self.step % STEPS_PER_EPOCH == 0:
                self.end_epoch(epoch)
            if self.step % STEPS_PER_CHECKPOINT == 0:
                self.checkpoint()
        self.checkpoint("best")
        self.end("done", 0)

    def end_epoch(self, epoch: int) -> None:
        figures = {"train_loss": self.loss(self.step), "val_loss": self.loss(self.step) / 2, "val_mae": None, "lr": 0.1}
        times = {"seconds": time.monotonic() % 7, "images_per_second": time.monotonic() % 11}
        self.tell("EpochEnded", stage=1, epoch=epoch, step=self.step, is_best=True, **figures, **times)

    def end(self, outcome: str, code: int) -> None:
        self.tell("RunEnded", outcome=outcome, reason="", seconds=1.5)
        if code:
            sys.exit(code)

    def obey(self, what: str) -> None:
        if what.startswith("SIG"):
            signal.signal(getattr(signal, what), signal.SIG_DFL) if what not in ("SIGKILL", "SIGSTOP") else None
            os.kill(os.getpid(), getattr(signal, what))
            time.sleep(60)
        kind, _, rest = what.partition(" ")
        match kind:
            case "exit":
                sys.exit(int(rest))
            case "wait":  # until it is asked to stop
                select.select([0], [], [])
            case "hang":  # deaf to everything but SIGKILL
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(600)
            case "hang-at-the-end":
                self.tell("RunEnded", outcome="done", reason="", seconds=1.5)
                time.sleep(600)
            case "garbage":
                os.write(self.descriptor, b"what is this?\n")
                time.sleep(60)
            case "gap":
                self.number += 1
            case "torn":
                os.write(self.descriptor, b'{"attempt": 1, "number": ')
                os._exit(0)
            case "fail":
                failure, _, message = rest.partition(" ")
                self.tell("RunFailed", failure=failure, message=message, exit_code=3)
                sys.exit(3)
            case "wrong-loss":
                self.request["config"]["seed"] += 1
            case "child":  # a process of its own that would outlive it
                if os.fork() == 0:
                    time.sleep(600)
                os.kill(os.getpid(), signal.SIGKILL)
            case _:
                raise ValueError(what)


def main() -> None:
    descriptor = int(sys.argv[sys.argv.index("--events") + 1])
    control = socket.socket(fileno=0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        line, files = b"", []
        while not line.endswith(b"\n"):
            content, sent, *_ = socket.recv_fds(control, 65536, 16)
            if not content:
                sys.exit(75)
            line, files = line + content, [*files, *sent]
        for output in (1, 2):
            os.dup2(files[0], output)
        fake = Fake(json.loads(line), descriptor)
        try:
            fake.train()
            for file in files:
                os.close(file)
            fake.tell("Released")
        except BrokenPipeError:
            os._exit(75)


main()
