"""Augmentation: what each change does to pixels, and that chance depends on its arguments alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.augment import augment_images, expand_rows

SIDE = 28


@pytest.fixture
def images() -> Tensor:
    return torch.rand(8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def changed(images: Tensor, augment: str, kind: int = 0, **other: Any) -> Tensor:
    settings: dict[str, Any] = {"seed": 1, "epoch": 2, "step": 3, "rows": torch.arange(len(images)) + 100, **other}
    rows = settings.pop("rows")
    kinds = torch.full((len(images),), kind, dtype=torch.int8)
    return augment_images(images, kinds, rows, augment, **settings)


def test_the_oldest_are_copied_four_times() -> None:
    ages = np.repeat([10.0, 30.0, 50.0, 70.0], [796, 2389, 732, 148])
    rows = np.arange(4065) + 7
    expanded, kinds = expand_rows(rows, ages, "report")
    assert expanded.dtype == np.int64
    assert kinds.dtype == np.int8
    assert len(expanded) == len(kinds) == 4065 + 592
    np.testing.assert_array_equal(expanded[kinds == 0], rows)
    for kind in (1, 2, 3, 4):
        np.testing.assert_array_equal(expanded[kinds == kind], rows[ages >= 60])


def test_sixty_is_old_and_a_missing_age_is_not() -> None:
    expanded, kinds = expand_rows(np.array([4, 5, 6]), np.array([59.99, 60.0, np.nan]), "report")
    assert expanded.tolist() == [4, 5, 6, 5, 5, 5, 5]
    assert kinds.tolist() == [0, 0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("augment", ["none", "standard"])
def test_other_augmentations_add_no_rows(augment: str) -> None:
    rows = np.array([3, 1, 2])
    expanded, kinds = expand_rows(rows, np.array([70.0, 80.0, 5.0]), augment)
    np.testing.assert_array_equal(expanded, rows)
    assert kinds.tolist() == [0, 0, 0]
    assert kinds.dtype == np.int8


def test_an_image_that_is_no_copy_stays_as_it_is(images: Tensor) -> None:
    assert torch.equal(changed(images, "none"), images)
    assert torch.equal(changed(images, "report", kind=0), images)


def test_the_first_copy_is_the_exact_mirror_image(images: Tensor) -> None:
    np.testing.assert_array_equal(changed(images, "report", kind=1).numpy(), images.numpy()[:, :, :, ::-1])


def test_the_second_copy_has_another_brightness(images: Tensor) -> None:
    dark = images / 2
    factors = changed(dark, "report", kind=2) / dark
    per_image = factors.flatten(1)
    torch.testing.assert_close(per_image, per_image[:, :1].expand_as(per_image), rtol=1e-4, atol=1e-4)
    assert ((per_image[:, 0] >= 0.7) & (per_image[:, 0] <= 1.3)).all()
    assert len(set(per_image[:, 0].tolist())) == len(images)
    assert changed(torch.ones_like(images), "report", kind=2).max() <= 1


def test_the_third_copy_is_blurred_by_a_5x5_gaussian(images: Tensor) -> None:
    offsets = np.arange(-2, 3)
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / 2)
    kernel /= kernel.sum()
    padded = np.pad(images.double().numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    expected = sum(
        kernel[down, right] * padded[:, :, down : down + SIDE, right : right + SIDE]
        for down in range(5)
        for right in range(5)
    )
    np.testing.assert_allclose(changed(images, "report", kind=3).numpy(), expected, atol=1e-6)


def found_shift(image: Tensor, moved: Tensor, limit: int) -> tuple[int, int]:
    """The shift (down, right) under which the moved image is the image on black, by trying them all."""
    for down in range(-limit, limit + 1):
        for right in range(-limit, limit + 1):
            expected = torch.zeros_like(image)
            to_rows, to_columns = slice(max(down, 0), SIDE + min(down, 0)), slice(max(right, 0), SIDE + min(right, 0))
            rows, columns = slice(max(-down, 0), SIDE - max(down, 0)), slice(max(-right, 0), SIDE - max(right, 0))
            expected[:, to_rows, to_columns] = image[:, rows, columns]
            if torch.equal(expected, moved):
                return down, right
    raise AssertionError("the image was not moved by whole pixels on black")


def test_the_fourth_copy_is_moved_by_whole_pixels() -> None:
    images = torch.rand(40, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) + 0.1
    moved = changed(images, "report", kind=4)
    limit = round(25 * SIDE / 224)
    shifts = np.array([found_shift(image, other, limit) for image, other in zip(images, moved, strict=True)])
    assert shifts.min() == -limit
    assert shifts.max() == limit
    assert len({tuple(shift) for shift in shifts.tolist()}) > 10


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_a_copy_depends_on_seed_row_and_kind_alone(images: Tensor, kind: int) -> None:
    copies = changed(images, "report", kind)
    assert torch.equal(copies, changed(images, "report", kind, epoch=9, step=77))
    order = torch.tensor([5, 0, 3])
    apart = changed(images[order], "report", kind, rows=order + 100)
    torch.testing.assert_close(apart, copies[order], rtol=0, atol=1e-6)
    if kind in (2, 4):
        assert not torch.equal(copies, changed(images, "report", kind, seed=2))
        assert not torch.equal(copies, changed(images, "report", kind, rows=torch.arange(8)))


def test_kinds_are_mixed_in_a_batch(images: Tensor) -> None:
    kinds = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2], dtype=torch.int8)
    rows = torch.arange(8) + 100
    mixed = augment_images(images, kinds, rows, "report", 1, 0, 0)
    for place, kind in enumerate(kinds.tolist()):
        torch.testing.assert_close(mixed[place], changed(images, "report", kind)[place], rtol=0, atol=1e-6)


def test_the_standard_change_is_a_function_of_seed_epoch_and_step(images: Tensor) -> None:
    first = changed(images, "standard")
    assert torch.equal(first, changed(images, "standard"))
    for other in ({"seed": 2}, {"epoch": 3}, {"step": 4}):
        assert not torch.equal(first, changed(images, "standard", **other))
    assert first.shape == images.shape
    assert first.min() >= 0
    assert first.max() <= 1


def test_the_standard_change_is_small_and_mirrors_half_of_the_images() -> None:
    """A bright spot tells the mirroring and the shift; the mean tells the brightness."""
    images = torch.full((400, 3, 32, 32), 0.4)
    images[:, :, 16, 8] = 1.0
    found = changed(images, "standard")
    spots = found.mean(1).flatten(1).argmax(1)
    down, right = spots // 32 - 16, spots % 32
    mirrored = right > 16
    assert 150 < int(mirrored.sum()) < 250
    shift = torch.where(mirrored, right - 23, right - 8)
    assert set(down.tolist()) == set(shift.tolist()) == {-2, -1, 0, 1, 2}
    brightness = found.median(dim=3).values.median(dim=2).values.mean(1) / 0.4
    assert 0.79 < float(brightness.min()) < 0.83
    assert 1.17 < float(brightness.max()) < 1.21


def test_the_standard_change_repeats_the_edge_behind_a_moved_image() -> None:
    found = changed(torch.full((50, 3, 32, 32), 0.5), "standard")
    flat = found.flatten(2)
    torch.testing.assert_close(flat, flat[:, :, :1].expand_as(flat))


def test_contrast_spreads_grey_levels_around_their_mean() -> None:
    """Narrow stripes keep their mean under a shift; contrast keeps it too, so that it tells the brightness."""
    images = torch.full((400, 3, 32, 32), 0.4)
    images[:, :, :, ::2] = 0.6
    found = changed(images, "standard")
    brightness = found.mean((1, 2, 3)) / 0.5
    contrast = (found.amax((1, 2, 3)) - found.amin((1, 2, 3))) / 0.2 / brightness
    assert 0.78 < float(contrast.min()) < 0.83
    assert 1.17 < float(contrast.max()) < 1.22


def test_saturation_moves_colours_away_from_grey() -> None:
    """Two greys under one colour cast: brightness and contrast change both spreads alike, saturation the cast alone."""
    images = torch.tensor([0.5, 0.4, 0.45]).view(1, 3, 1, 1).repeat(400, 1, 32, 32)
    images[:, :, :, 16:] += 0.1
    found = changed(images, "standard")
    first, last = found[:, :, 0, 4], found[:, :, 0, 27]
    spread = (last - first).abs().mean(1) / 0.1
    saturation = (first[:, 0] - first[:, 1]) / 0.1 / spread
    assert 0.899 < float(saturation.min()) < 0.91
    assert 1.09 < float(saturation.max()) < 1.101


@pytest.mark.parametrize(("augment", "kind"), [("report", 2), ("report", 4), ("standard", 0)])
def test_neither_the_input_nor_hidden_generators_are_touched(images: Tensor, augment: str, kind: int) -> None:
    before, numpy_before, torch_before = images.clone(), str(np.random.get_state()), torch.get_rng_state()
    first = changed(images, augment, kind)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert str(np.random.get_state()) == numpy_before
    torch.manual_seed(99)
    assert torch.equal(first, changed(images, augment, kind))
