"""Predicted ages of files: the pixels are those of training, and each file has its own warnings and problem."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fresh_weights import FRESH, save_fresh_weights
from image_bytes import COLOUR, GREY, encoded, exif, oriented
from PIL import Image

import engine.age_predictor
from engine.data.dataset import prepare
from engine.data.spec import DataSpec
from engine.kept_weights import load_weights, save_weights
from engine.predict import PredictedAge, predict_files

FILES = {
    "turned.jpg": encoded(COLOUR, "JPEG", exif=exif(oriented(6))),
    "deep.png": encoded(GREY.astype(np.uint16) * 257),
    "see-through.webp": encoded(np.dstack([COLOUR, GREY]), "WEBP"),
    "animated.gif": encoded(COLOUR, "GIF", save_all=True, append_images=[Image.fromarray(255 - COLOUR)]),
    "inks.tif": encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"),
    "plain.bmp": encoded(COLOUR, "BMP"),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_fresh_weights(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def _predicted(weights: Path, *images: Path) -> list[PredictedAge]:
    return predict_files(weights, images, device="cpu")


def test_ages_are_predicted_from_the_pixels_of_training(
    weights: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{name},{20 + place}" for place, name in enumerate(FILES)]
    (photos / "t.csv").write_text("\n".join(["image,age", *rows]))
    spec = DataSpec(name="photos", format="table", path=str(photos / "t.csv"), fractions=(1.0, 0.0, 0.0))
    trained_on = prepare(spec, "apparent", FRESH.size, cache=tmp_path / "cache")
    seen: list[np.ndarray] = []
    real = engine.age_predictor.backbone_features

    def note(model: object, batch: torch.Tensor, placement: object) -> torch.Tensor:
        seen.append((batch * 255).round().byte().permute(0, 2, 3, 1).numpy())
        return real(model, batch, placement)

    monkeypatch.setattr(engine.age_predictor, "backbone_features", note)
    _predicted(weights, *(photos / name for name in FILES))
    np.testing.assert_array_equal(np.concatenate(seen), trained_on.pixels[np.arange(len(FILES))])


def test_weights_of_a_run_without_epochs_predict(weights: Path, photos: Path, tmp_path: Path) -> None:
    state, config = load_weights(weights)
    untrained = tmp_path / "untrained.safetensors"
    save_weights(
        state, config.model_copy(update={"epochs": (0,), "init": "imagenet", "strategy": "finetune"}), untrained
    )
    photo = photos / next(iter(FILES))
    assert [one.years for one in _predicted(untrained, photo)] == [one.years for one in _predicted(weights, photo)]


def test_files_that_cannot_be_read_lose_no_other_prediction(weights: Path, photos: Path) -> None:
    (photos / "cut.jpg").write_bytes(FILES["turned.jpg"][:-200])
    (photos / "empty.png").write_bytes(b"")
    names = ("cut.jpg", "plain.bmp", "empty.png", "missing.png", "deep.png")
    found = _predicted(weights, *(photos / name for name in names), photos)
    assert [one.years is None for one in found] == [True, False, True, True, False, True]
    assert [(one.problem or "")[:14] for one in found] == [
        "damaged image:", "", "the file is em", "No such file o", "", "it is a folder",
    ]  # fmt: skip
    assert found[1].years == _predicted(weights, photos / "plain.bmp")[0].years


def test_images_unlike_face_crops_get_warnings(weights: Path, tmp_path: Path) -> None:
    shapes = {"small": (31, 40), "square": (32, 32), "portrait": (48, 32), "wide": (32, 49), "strip": (300, 40)}
    for name, shape in shapes.items():
        noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{name}.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "pixel.png")
    blue = Image.new("RGB", (64, 64), (0, 0, 200))
    blue.save(tmp_path / "blue.gif", save_all=True, append_images=[Image.new("RGB", (64, 64), (200, 0, 0))])
    found = _predicted(weights, *sorted(tmp_path.iterdir()))
    assert all(one.years is not None for one in found)
    crop = "only the central square is used; crop it to the face"
    assert {one.path.stem: list(one.warnings) for one in found if one.warnings} == {
        "blue": ["a single colour, so it shows no face", "several frames (the first is used)"],
        "pixel": [
            "too small for a face crop: 1×1 pixels, but a face needs 32×32",
            "a single colour, so it shows no face",
        ],
        "small": ["too small for a face crop: 40×31 pixels, but a face needs 32×32"],
        "strip": [f"too oblong for a face crop: 40×300 pixels, {crop}"],
        "wide": [f"too oblong for a face crop: 49×32 pixels, {crop}"],
    }


def test_an_image_that_is_much_enlarged_gets_a_warning(weights: Path, tmp_path: Path) -> None:
    larger = tmp_path / "larger.safetensors"
    save_fresh_weights(larger, size=128)
    for side in (42, 43):
        noise = np.random.default_rng(0).integers(0, 256, (side, 50, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{side}.png")
    images = (tmp_path / "42.png", tmp_path / "43.png")
    said = "only 50×42 pixels, which are enlarged to 128×128; give a larger image of the face"
    assert [one.warnings for one in _predicted(larger, *images)] == [(said,), ()]
    assert [one.warnings for one in _predicted(weights, *images)] == [(), ()]
