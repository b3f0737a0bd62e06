"""Drawn faces: as planned, the same every time, and with an age that can be learned."""

import numpy as np
import pytest

from engine.data.faces import Face, draw_face, plan_faces


def _face(**changes: object) -> Face:
    settings: dict[str, object] = {"age": 30.0, "gender": "male", "ethnicity": "asian", "expression": "neutral"}
    return Face(**{**settings, "seed": (1, 2, 3), **changes})  # type: ignore[arg-type]


def test_the_course_sized_plan_has_the_courses_counts() -> None:
    plan = plan_faces(4065, 0, 0)
    assert np.histogram(plan["age"], [0, 20, 40, 60, 91])[0].tolist() == [796, 2389, 732, 148]
    assert plan["gender"].value_counts().to_dict() == {"male": 2068, "female": 1997}
    assert plan["ethnicity"].value_counts().to_dict() == {"caucasian": 3522, "asian": 424, "afroamerican": 119}


@pytest.mark.parametrize("count", [50, 61, 400])
def test_no_group_is_left_out_of_a_split_of_some_size(count: int) -> None:
    plan = plan_faces(count, 1, 7)
    assert len(plan) == count
    for attribute in ("gender", "ethnicity", "expression"):
        assert plan[attribute].value_counts().min() >= 2
    assert np.histogram(plan["age"], [0, 20, 40, 60, 91])[0].min() >= 2


def test_a_face_is_the_same_every_time() -> None:
    first = draw_face(_face(), 48)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw_face(_face(), 48))


@pytest.mark.parametrize(
    "change",
    [
        {"age": 75.0},
        {"gender": "female"},
        {"ethnicity": "afroamerican"},
        {"expression": "happy"},
        {"expression": "other"},
        {"seed": (1, 2, 4)},
    ],
)
def test_everything_about_a_face_shows(change: dict[str, object]) -> None:
    difference = np.abs(draw_face(_face(), 64).astype(int) - draw_face(_face(**change), 64))
    assert (difference > 25).any(axis=2).mean() > 0.005


def test_age_can_be_read_from_the_pixels() -> None:
    """Ridge regression on 16 × 16 pixels, far weaker than any network here."""
    plan = plan_faces(500, 0, 0)
    faces = [
        Face(row.age, row.gender, row.ethnicity, row.expression, (number,))
        for number, row in enumerate(plan.itertuples())
    ]
    small = np.stack([draw_face(face, 48).reshape(16, 3, 16, 3, 3).mean((1, 3)) for face in faces])
    pixels = small.reshape(len(small), -1) / 255
    pixels = np.hstack([pixels - pixels[:400].mean(0), np.ones((len(pixels), 1))])
    ages = plan["age"].to_numpy()
    fitted = np.linalg.solve(pixels[:400].T @ pixels[:400] + 3 * np.eye(pixels.shape[1]), pixels[:400].T @ ages[:400])
    error = np.abs(pixels[400:] @ fitted - ages[400:]).mean()
    constant = np.abs(ages[:400].mean() - ages[400:]).mean()
    assert error < 0.8 * constant
