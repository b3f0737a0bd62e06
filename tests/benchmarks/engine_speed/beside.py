"""The share of the processor that a training gets beside others, by how its threads wait and how many it has."""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from neighbours import Neighbour
from tables import ratios, section, table
from topic import Asked, in_turn, say
from work import STEP_WORKS, StepWork, Training

WORKS = {STEP_WORKS[0]: 1.0, STEP_WORKS[1]: 2.0, STEP_WORKS[2]: 4.0}
"""The networks, and the seconds for which each figure counts images. The first always trains with one thread."""
IMAGES, VALID, WARM = 1024, 32, 3
POLICIES = {
    "libgomp's default": {},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
}
DEFAULT = next(iter(POLICIES))
OTHERS = (1, 2, 4)
ALONE, OWN = "alone", "beside another of ageui"
PARTIES = {ALONE: 1, **{f"beside {count}": 1 + count for count in OTHERS}, OWN: 2}
"""How many trainings there are in each company."""


@dataclass(frozen=True)
class Setting:
    """How the threads of a run wait, and their number."""

    policy: str
    threads: int

    def __str__(self) -> str:
        return f"{self.policy}, {self.threads} thread{'' if self.threads == 1 else 's'}"

    @property
    def environment(self) -> dict[str, str]:
        """The processor only, whatever else the machine has."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
        own = {"OMP_NUM_THREADS": str(self.threads), "CUDA_VISIBLE_DEVICES": ""}
        return {**kept, **POLICIES[self.policy], **own}


class Trainings:
    """Trainings of one network, all started and warm: one for each setting, and the neighbours."""

    def __init__(self, asked: Asked, work: StepWork, stack: ExitStack) -> None:
        cores = asked.machine["cores"]
        training = Training(asked.faces.of(IMAGES, VALID), work.backbone, work.size, work.batch, warm_steps=WARM)

        def started(setting: Setting) -> Neighbour:
            return stack.enter_context(closing(Neighbour(training, asked.cache, setting.environment)))

        self._seconds = WORKS[work]
        # A thread alone waits for none.
        settings = [*(Setting(policy, cores) for policy in POLICIES), Setting(DEFAULT, 1)]
        self.runs = {setting: started(setting) for setting in settings}
        self.others = [started(Setting(DEFAULT, cores)) for _ in range(max(OTHERS))]
        self.own = {threads: started(Setting(DEFAULT, threads)) for threads in (1, cores)}
        for run in (*self.runs.values(), *self.others, *self.own.values()):
            run.warm_up()

    def beside_others(self, count: int, repeat: int) -> dict[str, float]:
        """Images per second of every setting beside trainings of somebody else's, which all run the whole time."""
        with _running(self.others[:count]):
            return {str(setting): self._images_per_second(run) for setting, run in self.runs.items()}

    def beside_own(self, repeat: int) -> dict[str, float]:
        """Images per second of every setting beside another run of ageui with as many threads."""
        found = {}
        for setting, run in self.runs.items():
            with _running([self.own[setting.threads]]):
                found[str(setting)] = self._images_per_second(run)
        return found

    def _images_per_second(self, run: Neighbour) -> float:
        run.begin()
        time.sleep(self._seconds)
        run.end()
        return run.images_per_second()


@contextmanager
def _running(neighbours: list[Neighbour]) -> Iterator[None]:
    for one in neighbours:
        one.begin()
    yield
    for one in neighbours:
        one.end()
    for one in neighbours:
        one.images_per_second()


def measure(asked: Asked) -> dict[str, Any]:
    """`found[work][company]`: images per second of every setting, for every repeat."""
    found = {}
    for work in WORKS:
        say(f"  {work.name}")
        with ExitStack() as stack:
            trainings = Trainings(asked, work, stack)
            companies = {name: partial(trainings.beside_others, PARTIES[name] - 1) for name in PARTIES if name != OWN}
            found[work.name] = in_turn(asked.repeats, {**companies, OWN: trainings.beside_own})
    return found


def shown(found: dict[str, Any], asked: Asked) -> str:
    parts = []
    for name, companies in found.items():
        rows = [
            (setting, *[_cell(companies, company, setting) for company in companies]) for setting in companies[ALONE][0]
        ]
        parts.append(f"**{name}**\n\n{table(('threads of the run', *companies), rows)}")
    return section(
        "Beside others",
        "Images per second of ageui on the processor, validation included, beside others that train the same network "
        f"at the same time: with libgomp's default and {asked.machine['cores']} threads, as somebody else's job; and "
        "beside another of ageui with as many threads as the run. In brackets, the share of what is "
        "fair, which is the greatest figure alone, divided among the run and its neighbours. Medians of "
        f"{asked.repeats} repeats.",
        *parts,
    )


def _cell(companies: dict[str, list[dict[str, float]]], company: str, setting: str) -> str:
    speeds = [one[setting] for one in companies[company]]
    fair = [max(alone.values()) / PARTIES[company] for alone in companies[ALONE]]
    return f"{statistics.median(speeds):,.0f} ({statistics.median(ratios(speeds, fair)):.0%})"
