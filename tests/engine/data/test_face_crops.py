"""Faces cut out of images: the geometry of chips, the cache of found faces, and what is predicted from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fresh_weights import save_fresh_weights
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import engine.extras
from engine.choices import Crop
from engine.config import build_config
from engine.data import face_finder
from engine.data.check import check
from engine.data.dataset import Dataset, prepare
from engine.data.face_chips import BOX_MARGIN, MEAN_FACE, PADDING, Box, FoundFace, aligned_placement, face_square
from engine.data.face_finder import main_face
from engine.data.faces import Face, draw_face
from engine.data.known_data import data_problems, known_data
from engine.data.spec import DataSpec
from engine.data.threads import in_threads
from engine.errors import ConfigError
from engine.predict import NO_FACE, predict_files

LANDMARKS = np.array([[162.0, 94.0], [135.0, 95.0], [63.0, 89.0], [92.0, 93.0], [112.0, 140.0]])
RED, GREY = (220, 20, 20), (128, 128, 128)
HEADS = {"one.png": [(40, 60, 30)], "two.png": [(30, 30, 16), (70, 64, 26)], "none.png": []}
"""Images of 96 pixels with red squares for heads, each with its centre and half its side."""


def _face(x: float, y: float, half: float) -> FoundFace:
    """A face around a point, turned by 30 degrees: its landmarks are those of the mean face in a square."""
    mean = MEAN_FACE - 0.5
    turn = np.exp(1j * np.pi / 6) * 2 * half
    points = (mean[:, 0] + 1j * mean[:, 1]) * turn + complex(x, y)
    box = Box(round(x - half), round(y - half), round(x + half), round(y + half))
    return FoundFace(box, tuple((point.real, point.imag) for point in points.tolist()))


class Looking:
    """Stands for dlib: finds the red squares, and counts the images that it looked at."""

    images = 0

    @contextmanager
    def finder(self) -> Iterator[face_finder.Find]:
        yield self.find

    def find(self, pixels: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        self.images += 1
        for heads in HEADS.values():
            if np.array_equal(_picture(heads), pixels):
                return tuple(_face(*head) for head in heads)
        raise AssertionError("an image that no test drew")


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    one = Looking()
    monkeypatch.setattr(face_finder, "face_finder", one.finder)
    return one


def _picture(heads: list[tuple[int, int, int]]) -> NDArray[np.uint8]:
    image = Image.new("RGB", (96, 96), GREY)
    for x, y, half in heads:
        ImageDraw.Draw(image).rectangle((x - half, y - half, x + half - 1, y + half - 1), RED)
    return np.asarray(image)


@pytest.fixture
def photos(tmp_path: Path) -> DataSpec:
    for name, heads in HEADS.items():
        Image.fromarray(_picture(heads)).save(tmp_path / name)
    (tmp_path / "t.csv").write_text("image,age,split\none.png,20,train\ntwo.png,30,train\nnone.png,40,valid\n")
    return DataSpec(name="photos", format="table", path=str(tmp_path / "t.csv"), photos=True)


def _prepared(spec: DataSpec, folder: Path, size: int = 32, crop: str = "aligned") -> Dataset:
    return prepare(spec, "apparent", size, cache=folder / "cache", crop=crop)


def test_a_chip_lies_where_least_squares_put_the_mean_face() -> None:
    size, padding = 64, 0.2
    mean = (padding + MEAN_FACE) / (2 * padding + 1) * size
    (x, y), one, zero = mean.T, np.ones(5), np.zeros(5)
    unknowns = np.vstack([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, left, top = np.linalg.lstsq(unknowns, LANDMARKS.T.flatten(), rcond=None)[0]
    found = aligned_placement(LANDMARKS, size, padding)
    assert found.turn == pytest.approx(complex(a, b))
    assert found.origin == pytest.approx(complex(left, top))


@pytest.mark.parametrize("size", [64, 200])
def test_a_chip_is_that_of_dlib(size: int) -> None:
    dlib = pytest.importorskip("dlib", reason="needs the extra faces")
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in LANDMARKS])
    details = dlib.get_face_chip_details(dlib.full_object_detection(dlib.rectangle(), points), size, 0.2)
    found = aligned_placement(LANDMARKS, size, 0.2)
    assert np.angle(found.turn) == pytest.approx(details.angle)
    assert abs(found.turn) * size == pytest.approx(details.rect.width())
    middle = found.origin + found.turn * complex(size, size) / 2
    rect = details.rect
    assert middle == pytest.approx(complex(rect.left() + rect.right(), rect.top() + rect.bottom()) / 2)


def test_a_turned_face_is_upright_in_its_chip() -> None:
    face = _face(150, 150, 50)
    image = Image.new("RGB", (300, 300), GREY)
    for x, y in face.landmarks:
        ImageDraw.Draw(image).ellipse((x - 5, y - 5, x + 5, y + 5), RED)
    chip = face_square(image, face, "aligned", 72).astype(int)
    scale = 72 / (1 + 2 * PADDING)
    for x, y in (MEAN_FACE + PADDING) * scale:
        assert chip[int(y), int(x), 0] - chip[int(y), int(x), 1] > 150
    assert (chip[36, 36] == GREY).all()


@pytest.mark.parametrize("crop", ["aligned", "as-is"])
def test_photos_of_any_resolution_give_the_same_chip(crop: Crop) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    photo = Image.fromarray(noise).resize((900, 900), Image.Resampling.BICUBIC)

    def chip(side: int) -> NDArray[np.float64]:
        smaller = photo.resize((side, side), Image.Resampling.BOX)
        return face_square(smaller, _face(side / 2, side / 2, side / 4), crop, 48).astype(np.float64)

    for side in (450, 300, 225):
        assert np.abs(chip(side) - chip(900)).mean() < 0.12 * chip(900).std()


def test_edges_are_repeated_beyond_the_image() -> None:
    image = Image.new("RGB", (60, 60), RED)
    assert (face_square(image, _face(5, 5, 40), "aligned", 48) == RED).all()
    assert (face_square(image, FoundFace(Box(-20, 20, 40, 80), ()), "as-is", 48) == RED).all()


def test_unaligned_faces_are_their_boxes_with_a_margin() -> None:
    image = Image.fromarray(_picture([(48, 48, 20)]))
    square = face_square(image, _face(48, 48, 20), "as-is", 72)
    red = (square[:, :, 1] < 74).sum(axis=1).max()
    assert red == pytest.approx(72 / (1 + 2 * BOX_MARGIN), abs=1)


def test_the_main_face_is_large_and_central() -> None:
    small, large, aside = _face(50, 50, 10), _face(40, 60, 20), _face(-40, 50, 22)
    assert main_face([small, large, aside], 100, 100) == large
    assert main_face([], 100, 100) is None


@pytest.mark.parametrize("crop", ["aligned", "as-is"])
def test_photos_are_cut_to_their_main_faces(photos: DataSpec, tmp_path: Path, looking: Looking, crop: str) -> None:
    dataset = _prepared(photos, tmp_path, crop=crop)
    assert dataset.faceless == 1
    shown = dataset.pixels[np.arange(3)]
    for place, head in enumerate([(40, 60, 30), (70, 64, 26)]):
        name = list(HEADS)[place]
        expected = face_square(Image.fromarray(_picture(HEADS[name])), _face(*head), crop, 32)
        np.testing.assert_array_equal(shown[place], expected)
    assert (shown[2] == GREY).all()


def test_faces_are_looked_for_once_for_all_sizes_and_crops(photos: DataSpec, tmp_path: Path, looking: Looking) -> None:
    first = _prepared(photos, tmp_path)
    assert looking.images == 3
    others = [_prepared(photos, tmp_path, 48), _prepared(photos, tmp_path, crop="as-is"), _prepared(photos, tmp_path)]
    assert looking.images == 3
    keys = [one.pixels_key for one in (first, *others)]
    assert keys[0] == keys[-1]
    assert len(set(keys)) == 3
    np.testing.assert_array_equal(first.pixels[np.arange(3)], others[-1].pixels[np.arange(3)])


def test_data_of_crops_are_used_as_they_are(photos: DataSpec, tmp_path: Path, looking: Looking) -> None:
    dataset = _prepared(photos.model_copy(update={"photos": False}), tmp_path, 96, "as-is")
    assert looking.images == 0
    assert dataset.faceless is None
    np.testing.assert_array_equal(dataset.pixels[np.array([1])][0], _picture(HEADS["two.png"]))


def test_a_check_names_the_images_without_a_face(
    photos: DataSpec, tmp_path: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.check.check_installed", lambda extra, package: None)
    report = check(photos, cache=tmp_path / "cache")
    assert report.faceless == ("none.png",)
    assert "in 1 of 3 images" in report.faceless_sentence
    assert check(photos.model_copy(update={"photos": False})).faceless is None


def test_every_face_of_a_photo_gets_an_age_and_its_box(
    photos: DataSpec, tmp_path: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_fresh_weights(weights, crop="aligned")
    one, two, none = (tmp_path / name for name in HEADS)
    found = predict_files(weights, [one, none, two], device="cpu")
    assert [(face.path.name, face.box) for face in found] == [
        ("one.png", (10, 30, 70, 90)),
        ("none.png", None),
        ("two.png", (14, 14, 46, 46)),
        ("two.png", (44, 38, 96, 90)),
    ]
    assert [face.problem for face in found] == [None, NO_FACE, None, None]
    assert found[1].years is None
    whole = predict_files(weights, [two, none], device="cpu", find_faces=False)
    assert whole[0].years == pytest.approx(found[3].years)
    assert whole[1].years is not None


def test_a_box_beyond_the_image_is_told_up_to_its_edges(
    tmp_path: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HEADS, "edge.png", [(4, 90, 20)])
    Image.fromarray(_picture(HEADS["edge.png"])).save(tmp_path / "edge.png")
    save_fresh_weights(tmp_path / "weights.safetensors", crop="aligned")
    for find_faces in (True, False):
        weights, images = tmp_path / "weights.safetensors", [tmp_path / "edge.png"]
        (found,) = predict_files(weights, images, device="cpu", find_faces=find_faces)
        assert (found.box, found.problem) == ((0, 70, 24, 96), None)


def test_runs_as_is_find_faces_on_request_only(photos: DataSpec, tmp_path: Path, looking: Looking) -> None:
    weights, two = tmp_path / "weights.safetensors", tmp_path / "two.png"
    save_fresh_weights(weights)
    assert [face.box for face in predict_files(weights, [two], device="cpu")] == [None]
    assert looking.images == 0
    assert len(predict_files(weights, [two], device="cpu", find_faces=True)) == 2


def test_without_the_extra_runs_are_refused_with_its_name(
    tmp_path: Path, photos: DataSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.extras, "find_spec", lambda package: None)
    cropped = photos.model_copy(update={"photos": False})
    for spec, crop, refused in ((photos, "as-is", 1), (cropped, "aligned", 1), (cropped, "as-is", 0)):
        config = build_config({"crop": crop})
        errors = list(data_problems(config, known_data(spec, "apparent", tmp_path)))
        assert ["pip install '.[faces]'" in str(error) for error in errors] == [True] * refused
    with pytest.raises(ConfigError, match="pip install"):
        check(photos)


def test_threads_find_the_same_face_each_with_a_process_of_its_own() -> None:
    pytest.importorskip("dlib", reason="needs the extra faces")
    drawn = _drawn()
    with face_finder.face_finder() as find:
        (face,) = find(drawn)
        assert set(in_threads(find, [drawn] * 8)) == {(face,)}
        assert find(np.zeros((8, 8, 3), dtype=np.uint8)) == ()
    left, top, right, bottom = face.box
    assert all(left < x < right and top < y < bottom for x, y in face.landmarks)
    assert 0.8 < (right - left) / (bottom - top) < 1.25


def _drawn() -> NDArray[np.uint8]:
    """The first drawn face that the detector finds."""
    with face_finder.face_finder() as find:
        for number in range(60):
            drawn = draw_face(Face(35, "male", "caucasian", "neutral", (number,)), 224)
            if len(find(drawn)) == 1:
                return drawn
    pytest.skip("the detector finds none of the drawn faces")
