"""Tables of Adience, whose images are named by three columns."""

from pathlib import Path

import pytest
from drawn_files import image_file

from engine.data.sources import load_manifest, settled
from engine.data.spec import DataSpec

TABLE = (
    "user_id\toriginal_image\tface_id\tage\tgender\tx\n"
    "30@N03\tp_o.jpg\t1\t(25, 32)\tf\t0\n"
    "30@N03\tp_o.jpg\t2\t(4, 6)\tm\t0\n"
    "31@N03\tq_o.jpg\t3\t35\tu\t0\n"
)
FACES = ("30@N03/{}.1.p_o.jpg", "30@N03/{}.2.p_o.jpg", "31@N03/{}.3.q_o.jpg")


@pytest.mark.parametrize(
    ("table", "below", "name", "images", "front"),
    [
        ("fold_0.txt", "faces", "coarse_tilt_aligned_face", None, "faces/"),
        ("fold_0.txt", "aligned", "landmark_aligned_face", None, "aligned/"),
        ("folds/fold_0.txt", "aligned", "landmark_aligned_face", None, "../aligned/"),
        ("folds/fold_0.txt", "pictures", "landmark_aligned_face", "pictures", ""),
    ],
)
def test_images_are_found_by_user_face_and_photo(
    tmp_path: Path, table: str, below: str, name: str, images: str | None, front: str
) -> None:
    path = tmp_path / table
    path.parent.mkdir(exist_ok=True)
    path.write_text(TABLE)
    for face in FACES:
        image_file(tmp_path / below / face.format(name))
    folder = None if images is None else str(tmp_path / images)
    spec, _ = settled(DataSpec(name="it", format="table", path=str(path), images=folder))
    manifest = load_manifest(spec)
    assert manifest.frame["image"].tolist() == [front + face.format(name) for face in FACES]
    assert manifest.frame["age"].tolist() == [28.5, 5.0, 35.0]
    assert manifest.frame["subject"].tolist() == ["30@N03", "30@N03", "31@N03"]
    assert not manifest.problems
    assert any("as in Adience" in note for note in manifest.notes)
