"""Damaged and odd images, tables and folders: each is used, or refused by a message that people can read.

pytest tests/fuzz --fuzz 50000 -n 2        # the long form
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from broken_folders import broken_folder, put
from broken_images import ENDINGS, broken_image
from broken_tables import broken_table, odd_options
from commands import Commands, peak_memory

pytestmark = pytest.mark.fuzz

Case = Callable[[Random, Commands, str], None]
Attempt = Callable[[Case, str], None]

MOST_MEMORY = 2_000_000_000
IMAGES, TABLES, FOLDERS = 180, 55, 15
"""Cases of a part, together `CASES_OF_A_PART`."""


@pytest.fixture
def attempt(commands: Commands, request: pytest.FixtureRequest) -> Iterator[Attempt]:
    """Tries cases, and says in a failure which case it was."""
    seed = request.config.getoption("fuzz_seed")
    before = peak_memory()

    def attempt(case: Case, name: str) -> None:
        try:
            case(Random(f"{seed} {name}"), commands, name)
        except BaseException as error:
            error.add_note(f"case {name} of --fuzz-seed {seed}, in {commands.folder}")
            raise

    yield attempt
    assert peak_memory() - before < MOST_MEMORY


def test_images(part: int, attempt: Attempt) -> None:
    attempt(_images, f"images-{part}")


def test_tables(part: int, attempt: Attempt) -> None:
    for number in range(TABLES):
        attempt(_table, f"table-{part}-{number}")


def test_folders(part: int, attempt: Attempt) -> None:
    for number in range(FOLDERS):
        attempt(_folder, f"folder-{part}-{number}")


def _images(random: Random, commands: Commands, name: str) -> None:
    """Images of one table, and of one command that predicts their ages."""
    files = [f"{name}/{number}{random.choice(ENDINGS)}" for number in range(IMAGES)]
    for file in files:
        put(commands.folder / file, broken_image(random))
    rows = [f"{file},{random.randrange(1, 90)}" for file in (*files, "img/0.jpg", "img/1.jpg")]
    Path(f"{name}.csv").write_text("\n".join(["image,age", *rows]))
    if random.random() < 0.7:
        assert _add(commands, name, f"{name}.csv", "--skip-bad", "--json") == 0, "good images are there"
    else:
        assert _add(commands, name, f"{name}.csv") == 3
    predicted = json.loads(commands("predict", *files, "img/0.jpg", "--run", "fresh", "--device", "cpu", "--json").out)
    assert predicted[-1]["years"] is not None


def _table(random: Random, commands: Commands, name: str) -> None:
    ending, content = broken_table(random)
    put(commands.folder / f"{name}{ending}", content)
    _add(commands, name, f"{name}{ending}", *odd_options(random))
    (commands.folder / f"{name}{ending}").unlink()


def _folder(random: Random, commands: Commands, name: str) -> None:
    broken_folder(random, commands.folder / name)
    if _add(commands, name, name, *odd_options(random)) == 0:
        assert commands("data", "check", name).code in (0, 3)


def _add(commands: Commands, name: str, path: str, *options: str) -> int:
    """The exit code of `data add`, after which the data set is registered whole or not at all."""
    before = commands.registered()
    code = commands("data", "add", name, path, *options).code
    after = commands.registered()
    if code == 0:
        spec = after.pop(name)
        assert Path(spec["path"]) == (commands.folder / path).resolve()
    assert after == before
    return code
