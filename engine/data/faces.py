"""Draws faces that show age, gender, ethnicity and expression, to try the program without any data."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SUPERSAMPLING: Final = 2
Colour = tuple[int, int, int]

# The course edition's train counts (of 4065): what is rare there is rare here.
AGE_SHARES: Final = {(1.0, 20.0): 796, (20.0, 40.0): 2389, (40.0, 60.0): 732, (60.0, 90.0): 148}
SHARES: Final[dict[str, dict[str, int]]] = {
    "gender": {"male": 2068, "female": 1997},
    "expression": {"neutral": 1404, "happy": 712, "slightlyhappy": 1784, "other": 165},
    "ethnicity": {"caucasian": 3522, "afroamerican": 119, "asian": 424},
}
FEWEST_IN_GROUP: Final = 2
LEAST_COUNT_FOR_ALL_GROUPS: Final = 50

_SKIN: Final[dict[str, tuple[Colour, Colour]]] = {
    "caucasian": ((246, 214, 190), (214, 168, 138)),
    "asian": ((240, 208, 168), (208, 166, 122)),
    "afroamerican": ((150, 104, 76), (88, 58, 42)),
}
_HAIR: Final[dict[str, tuple[Colour, ...]]] = {
    "caucasian": ((92, 62, 38), (60, 42, 30), (168, 124, 70), (38, 30, 26), (128, 70, 40)),
    "asian": ((28, 24, 24), (40, 32, 30)),
    "afroamerican": ((24, 20, 18), (36, 28, 24)),
}
_GREY: Final = (206, 206, 204)


@dataclass(frozen=True)
class Face:
    """A face: `age` in years and its groups. `seed` decides the irrelevant details: pose, light, background."""

    age: float
    gender: str
    ethnicity: str
    expression: str
    seed: tuple[int, ...]


def plan_faces(count: int, split: int, seed: int) -> pd.DataFrame:
    """Ages (years) and groups of `count` faces of one split, as unequal as in the course edition.

    Group sizes are exact shares, combined at random. From 50 faces on, every group has at least 2.
    """
    random = np.random.default_rng((seed, split))
    sizes = _sizes(list(AGE_SHARES.values()), count)
    ages = [random.uniform(low, high, size) for (low, high), size in zip(AGE_SHARES, sizes, strict=True)]
    columns: dict[str, NDArray[np.generic]] = {"age": random.permutation(np.concatenate(ages))}
    for attribute, shares in SHARES.items():
        names = np.repeat(list(shares), _sizes(list(shares.values()), count))
        columns[attribute] = random.permutation(names.astype(object))
    return pd.DataFrame(columns)


def draw_face(face: Face, size: int) -> NDArray[np.uint8]:
    """RGB pixels (size, size, 3) of a face. Equal faces give equal pixels."""
    return _FaceDrawing(face, size * SUPERSAMPLING).finish(size)


def _sizes(shares: list[int], count: int) -> list[int]:
    """`count` divided by shares, by largest remainder; no part below 2 if the count is large enough."""
    exact = np.asarray(shares) / sum(shares) * count
    sizes = np.floor(exact).astype(int)
    for place in np.argsort(sizes - exact, kind="stable")[: count - sizes.sum()]:
        sizes[place] += 1
    if count >= LEAST_COUNT_FOR_ALL_GROUPS:
        missing = np.maximum(FEWEST_IN_GROUP - sizes, 0)
        sizes += missing
        sizes[np.argmax(sizes)] -= missing.sum()
    return [int(size) for size in sizes]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a share of `other`, 0 to 1."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _ramp(age: float, start: float, end: float) -> float:
    """0 up to `start` years, 1 from `end` on, rising between."""
    return min(max((age - start) / (end - start), 0.0), 1.0)


class _FaceDrawing:
    """One face on a canvas of `side` pixels. Lengths are shares of the face's width, placed by `_at`."""

    def __init__(self, face: Face, side: int) -> None:
        self.face, self.side = face, side
        self.random = np.random.default_rng(face.seed)
        age = face.age
        self.child = 1 - _ramp(age, 2, 17)
        self.wrinkles = _ramp(age, 28, 80)
        self.grey = _ramp(age + self.random.normal(0, 3), 36, 66)
        self.sag = _ramp(age, 40, 85)
        self.male = face.gender == "male"
        light, dark = _SKIN[face.ethnicity]
        tone = _mix(light, dark, float(self.random.uniform(0, 1)))
        self.skin = _mix(tone, (200, 170, 150) if face.ethnicity != "afroamerican" else (120, 95, 82), 0.35 * self.sag)
        self.shade = _mix(self.skin, (70, 35, 25), 0.30)
        hair = _HAIR[face.ethnicity]
        self.hair = _mix(hair[int(self.random.integers(len(hair)))], _GREY, self.grey)
        ground = self.random.integers(60, 225, 3)
        self.image = Image.new("RGB", (side, side), (int(ground[0]), int(ground[1]), int(ground[2])))
        self.draw = ImageDraw.Draw(self.image)
        # A child's face fills less of the picture and is rounder.
        self.width = side * float(self.random.uniform(0.50, 0.56)) * (1 - 0.10 * self.child)
        self.height = self.width * (1.34 - 0.20 * self.child + 0.03 * self.male)
        self.middle = side * (0.5 + float(self.random.uniform(-0.04, 0.04)))
        self.centre = side * (0.52 + float(self.random.uniform(-0.03, 0.03)))

    def finish(self, size: int) -> NDArray[np.uint8]:
        self._back_hair()
        self._neck_and_head()
        self._eyes()
        self._nose()
        self._mouth()
        self._wrinkles()
        self._beard()
        self._front_hair()
        self._glasses()
        angle = float(self.random.uniform(-8, 8))
        upright = self.image.rotate(angle, Image.Resampling.BILINEAR, fillcolor=self.image.getpixel((0, 0)))
        pixels = np.asarray(upright.resize((size, size), Image.Resampling.BOX), dtype=np.float32)
        side_light = np.linspace(-1, 1, size, dtype=np.float32) * float(self.random.uniform(-14, 14))
        lit = pixels * float(self.random.uniform(0.82, 1.12)) + side_light[None, :, None]
        grain = self.random.normal(0, 4.0, (size, size, 1)).astype(np.float32)
        return np.clip(lit + grain, 0, 255).astype(np.uint8)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """A point: x from -1 (left edge of the face) to 1, y from -1 (crown) to 1 (chin)."""
        return self.middle + x * self.width / 2, self.centre + y * self.height / 2

    def _ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        left, top = self._at(x - rx, y - ry)
        right, bottom = self._at(x + rx, y + ry)
        self.draw.ellipse((left, top, right, bottom), fill=colour)

    def _curve(self, points: list[tuple[float, float]], colour: Colour, thickness: float) -> None:
        width = max(1, round(thickness * self.width))
        self.draw.line([self._at(x, y) for x, y in points], fill=colour, width=width, joint="curve")

    def _arc(self, x: float, y: float, half: float, bend: float, colour: Colour, thickness: float) -> None:
        """A shallow curve around (x, y); `bend` above 0 hangs down in the middle."""
        steps = [-1 + index / 4 for index in range(9)]
        self._curve([(x + half * step, y + bend * (1 - step * step)) for step in steps], colour, thickness)

    def _back_hair(self) -> None:
        if self.male or self.face.age < 3:
            return
        length = 1.05 if self.face.age < 55 else 0.65
        puff = 1.28 if self.face.ethnicity == "afroamerican" else 1.16
        self._ellipse(0, -0.12, puff, 0.98, self.hair)
        left, top = self._at(-puff, -0.1)
        right, bottom = self._at(puff, length)
        self.draw.rounded_rectangle((left, top, right, bottom), radius=self.width * 0.25, fill=self.hair)

    def _neck_and_head(self) -> None:
        neck = 0.42 + 0.12 * self.male - 0.08 * self.child
        left, top = self._at(-neck, 0.6)
        right, _ = self._at(neck, 1)
        self.draw.rectangle((left, top, right, self.side), fill=self.shade)
        clothes = self.random.integers(30, 210, 3)
        shoulder = (int(clothes[0]), int(clothes[1]), int(clothes[2]))
        self.draw.ellipse((*self._at(-1.7, 1.25), *self._at(1.7, 2.9)), fill=shoulder)
        for side in (-1, 1):
            self._ellipse(side * 1.0, 0.02, 0.13, 0.16, self.shade)
        self._ellipse(0, 0, 1, 1, self.skin)
        jaw = 0.80 + 0.08 * self.male + 0.10 * self.sag + 0.05 * self.child
        self._ellipse(0, 0.42 + 0.05 * self.sag, jaw, 0.55, self.skin)
        if self.child > 0.3 or not self.male:
            blush = _mix(self.skin, (235, 120, 110), 0.18 + 0.22 * self.child)
            for side in (-1, 1):
                self._ellipse(side * 0.55, 0.32, 0.20, 0.12, blush)

    def _eyes(self) -> None:
        y = -0.06 + 0.14 * self.child
        wide = 0.20 + 0.05 * self.child
        tall = 0.11 + 0.07 * self.child - 0.03 * self.sag
        if self.face.ethnicity == "asian":
            tall *= 0.68
        if self.face.expression == "happy":
            tall *= 0.72
        elif self.face.expression == "other":
            tall *= 1.30
        iris = (60, 42, 30) if self.face.ethnicity != "caucasian" else (70, 90, 110)
        brow = _mix(self.hair, (40, 30, 25), 0.35 * (1 - self.grey))
        lift = -0.07 if self.face.expression == "other" else 0.0
        for side in (-1, 1):
            x = side * 0.42
            self._ellipse(x, y, wide, tall, (250, 250, 248))
            self._ellipse(x, y, min(0.10, wide), min(0.11, tall), iris)
            self._ellipse(x, y, 0.05, min(0.055, tall), (15, 12, 12))
            self._arc(
                x,
                y - 0.2 * tall,
                wide,
                -tall,
                self.shade if self.male else (40, 28, 26),
                0.015 + 0.012 * (not self.male),
            )
            thickness = (0.055 if self.male else 0.028) * (1 - 0.45 * self.child)
            tilt = side * lift
            height = y - tall - 0.13 + lift
            points = [(x - wide * 1.1, height + tilt), (x, height - 0.05), (x + wide * 1.1, height - tilt)]
            self._curve(points, brow, thickness)
            if self.sag > 0.1:
                self._arc(x, y + tall + 0.05, wide, 0.05, _mix(self.skin, self.shade, 0.4 + 0.5 * self.sag), 0.025)

    def _nose(self) -> None:
        length = 0.34 - 0.14 * self.child + 0.05 * self.sag
        wide = (0.13 if self.face.ethnicity != "afroamerican" else 0.18) * (1 - 0.25 * self.child)
        top = 0.06 + 0.14 * self.child
        self._curve([(0.04, top), (0.09 * wide / 0.13, top + length - 0.04)], self.shade, 0.018)
        self._arc(0, top + length, wide, 0.04, self.shade, 0.026)

    def _mouth(self) -> None:
        y, half = 0.60 - 0.02 * self.child, 0.32 - 0.08 * self.child
        lips = _mix(self.skin, (176, 58, 66), 0.35 if self.male else 0.75)
        lips = _mix(lips, self.skin, 0.4 * self.sag)
        match self.face.expression:
            case "happy":
                steps = [-1 + index / 6 for index in range(13)]
                lower = [(half * 1.15 * s, y - 0.04 + 0.19 * (1 - s * s)) for s in steps]
                upper = [(half * 1.15 * s, y - 0.04 + 0.03 * (1 - s * s)) for s in reversed(steps)]
                self.draw.polygon([self._at(*point) for point in lower + upper], fill=(250, 248, 244), outline=lips)
                self._arc(0, y - 0.04, half * 1.15, 0.19, lips, 0.035)
            case "slightlyhappy":
                self._arc(0, y - 0.03, half, 0.09, lips, 0.045)
            case "neutral":
                self._arc(0, y, half * 0.9, 0.005, lips, 0.045)
            case _:
                self._ellipse(0, y + 0.02, half * 0.5, 0.12, lips)
                self._ellipse(0, y + 0.02, half * 0.32, 0.075, (70, 24, 28))

    def _wrinkles(self) -> None:
        if self.wrinkles <= 0:
            return
        line = _mix(self.skin, self.shade, 0.35 + 0.9 * self.wrinkles)
        for number in range(1 + int(3.2 * self.wrinkles)):
            jitter = float(self.random.uniform(-0.02, 0.02))
            self._arc(
                0,
                -0.66 + 0.10 * number + jitter,
                0.40 + 0.1 * self.wrinkles,
                -0.03,
                line,
                0.010 + 0.014 * self.wrinkles,
            )
        for side in (-1, 1):
            for number in range(1 + int(2.5 * self.wrinkles)):
                start = (side * 0.66, -0.06 + 0.05 * number)
                end = (side * (0.74 + 0.10 * self.wrinkles), -0.11 + 0.10 * number)
                self._curve([start, end], line, 0.012 + 0.008 * self.wrinkles)
            fold = 0.24 + 0.22 * self.wrinkles
            self._curve(
                [(side * 0.24, 0.38), (side * 0.36, 0.38 + fold * 0.6), (side * 0.38, 0.38 + fold)],
                line,
                0.012 + 0.018 * self.wrinkles,
            )
            if self.sag > 0.35:
                self._curve([(side * 0.62, 0.62), (side * 0.56, 0.80)], line, 0.018)

    def _beard(self) -> None:
        if not self.male or self.face.age < 16:
            return
        share = float(self.random.uniform(0, 1))
        if share < 0.55:
            return
        full = share > 0.82
        colour = _mix(self.hair, self.skin, 0.25 if full else 0.62)
        mask = Image.new("L", self.image.size, 0)
        pen = ImageDraw.Draw(mask)
        pen.chord((*self._at(-0.86, -0.1), *self._at(0.86, 1.0)), 12, 168, fill=255)
        pen.ellipse((*self._at(-0.34, 0.50), *self._at(0.34, 0.74)), fill=0)
        soft = mask.filter(ImageFilter.BoxBlur(self.width * 0.03))
        self.image.paste(Image.new("RGB", self.image.size, colour), (0, 0), soft)
        if full:
            self._arc(0, 0.49, 0.30, -0.03, colour, 0.06)

    def _front_hair(self) -> None:
        age, bald = self.face.age, _ramp(self.face.age + float(self.random.normal(0, 8)), 35, 75) * self.male
        if age < 1.8:
            return
        line = -0.62 - 0.28 * bald + 0.04 * self.child
        puff = 0.16 if self.face.ethnicity == "afroamerican" else 0.08
        thin = 1 - 0.8 * bald
        steps = [index / 12 for index in range(13)]
        outer = [
            (-(1 + puff * thin) * math.cos(math.pi * s), -0.05 - (1.0 + puff * thin) * math.sin(math.pi * s))
            for s in steps
        ]
        part = float(self.random.uniform(-0.4, 0.4))
        inner = [
            (
                0.94 * math.cos(math.pi * s),
                max(line - 0.20 * bald, -0.99) + 0.55 * abs(math.cos(math.pi * s) - part) ** 2.2 * thin - 0.12,
            )
            for s in steps
        ]
        if bald > 0.75:
            for side in (-1, 1):
                self._ellipse(side * 0.98, -0.18, 0.12, 0.26, self.hair)
            return
        self.draw.polygon([self._at(*point) for point in outer + inner], fill=self.hair)

    def _glasses(self) -> None:
        if self.random.uniform() > 0.08 * _ramp(self.face.age, 5, 12) + 0.35 * _ramp(self.face.age, 40, 70):
            return
        frame, width = (40, 36, 40), max(1, round(0.022 * self.width))
        y = -0.05 + 0.14 * self.child
        for side in (-1, 1):
            box = (*self._at(side * 0.42 - 0.30, y - 0.17), *self._at(side * 0.42 + 0.30, y + 0.20))
            self.draw.rounded_rectangle(box, radius=self.width * 0.06, outline=frame, width=width)
        self._curve([(-0.12, y), (0.12, y)], frame, 0.022)
