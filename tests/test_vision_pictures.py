"""Image files as people have them: what is read, what is changed, what is refused, and why."""

import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import GalleryError
from common.pictures import BadPicture, picture_of, read_pixels, resized
from common.usecase import find
from usecases.surface_defects import folder as folders

RANDOM = np.random.default_rng(0)


def noise(height: int = 20, width: int = 30) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width), dtype=np.uint8)


def saved(path: Path, pixels: np.ndarray, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **more)
    return path


def test_greys_come_back_as_they_were(tmp_path: Path) -> None:
    pixels = noise()
    found, notes = read_pixels(saved(tmp_path / "a.png", pixels))
    assert (found == pixels).all() and notes == ()


def test_sixteen_bits_are_scaled_by_their_depth(tmp_path: Path) -> None:
    deep = np.linspace(0, 4095, 600).reshape(20, 30).astype(np.uint16)
    found, notes = read_pixels(saved(tmp_path / "a.png", deep))
    assert found.dtype == np.uint8 and found.max() == 255 and found.min() == 0
    assert "scaled to 8 bits" in notes[0]


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA", "LA", "1"])
def test_other_modes_are_converted_and_named(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.fromarray(noise()).convert(mode).save(path)
    found, notes = read_pixels(path)
    assert found.shape[:2] == (20, 30) and found.dtype == np.uint8
    assert len(notes) == 1


def test_exif_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :8] = 255
    found, notes = read_pixels(saved(tmp_path / "a.png", pixels, exif=exif))
    assert found.shape == (32, 16) and found[:8].min() == 255 and found[8:].max() == 0
    assert "upright" in notes[0]


def test_empty_cut_and_foreign_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no image")
    whole = saved(tmp_path / "whole.jpg", noise(60, 60)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    for name, reason in (("empty", "empty"), ("text", "not an image"), ("cut", "cut short")):
        path = next(tmp_path.glob(f"{name}.*"))
        with pytest.raises(BadPicture, match=reason):
            read_pixels(path)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(BadPicture, match="pixels"):
        read_pixels(tmp_path / "bomb.png")


def test_a_picture_is_known_by_its_pixels() -> None:
    pixels = noise()
    assert picture_of(pixels) == picture_of(pixels.copy())
    assert picture_of(pixels) != picture_of(pixels.T)
    assert resized(pixels, 10, 15).shape == (10, 15)


def class_folders(root: Path, counts: dict[str, int]) -> Path:
    for label, count in counts.items():
        for number in range(count):
            saved(root / label / f"{number:03d}.png", noise())
    return root


def test_class_folders_split_in_blocks_and_every_rule_is_counted(tmp_path: Path) -> None:
    root = class_folders(tmp_path, {"good": 60, "scratch": 40, "rare": 2})
    shared, copied = noise(), noise()
    saved(root / "good" / "shared.png", shared)
    saved(root / "scratch" / "shared.png", shared)
    saved(root / "good" / "one.png", copied)
    saved(root / "good" / "two.png", copied)
    (root / "good" / "broken.png").write_bytes(b"")
    splits, good = folders.read_folder(root)
    assert good == "good"
    said = "\n".join(splits.dropped)
    for part in (
        "2 pictures: dropped, the same picture stands in several",
        "1 pictures: dropped, an exact copy",
    ):
        assert part in said
    assert "2 pictures: dropped, class 'rare' has fewer than 5" in said
    assert "1 pictures: skipped, the file is empty (good/broken.png)" in said
    examples = [e for part in splits.named().values() for e in part]
    assert len(examples) == 101 and {e.answer for e in examples} == {"good", "scratch"}
    for name, share in (("train", 0.7), ("test", 0.2)):
        assert len(splits.named()[name]) == pytest.approx(share * len(examples), rel=0.15)
    groups = [{e.group for e in part} for part in splits.named().values()]
    assert not (groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2])


def test_given_splits_are_kept_and_a_copy_leaves_train(tmp_path: Path) -> None:
    for name in ("train", "test"):
        class_folders(tmp_path / name, {"ok": 6, "dent": 6})
    same = noise()
    saved(tmp_path / "train" / "ok" / "copy.png", same)
    saved(tmp_path / "test" / "ok" / "copy.png", same)
    splits, good = folders.read_folder(tmp_path)
    assert good == "ok" and len(splits.train) == 12 and len(splits.test) == 13


def anomaly_set(root: Path, defects: int = 20) -> Path:
    """As MVTec AD lays its sets out."""
    class_folders(root / "train", {"good": 30})
    class_folders(root / "test", {"good": 20, "crack": defects})
    for path in sorted((root / "test" / "crack").iterdir()):
        mask = np.zeros((20, 30), np.uint8)
        mask[:4, :6] = 255
        saved(root / "ground_truth" / "crack" / f"{path.stem}_mask.png", mask)
    return root


def test_an_anomaly_set_gives_defects_to_learn_from_and_masks_to_score_by(tmp_path: Path) -> None:
    splits, good = folders.read_folder(anomaly_set(tmp_path))
    counts = {name: Counter(e.answer for e in part) for name, part in splits.named().items()}
    assert good == "good" and set(counts["test"]) == {"good", "crack"}
    assert counts["train"] == {"good": 44, "crack": 14} and counts["val"]["crack"] == 2
    assert all(e.id.startswith(("train/", "test/")) for part in splits.named().values() for e in part)
    assert (
        "40 pictures: dealt anew over train, val and test, since train shows no defect" in splits.dropped[0]
    )
    assert all(e.extra["mask"].sum() == (24 if e.answer == "crack" else 0) for e in splits.test)
    assert not any("mask" in e.extra for e in (*splits.train, *splits.val))


@pytest.mark.parametrize(
    ("shape", "reason"), [((), "no mask ground_truth/crack"), ((9, 9), "9 x 9 pixels, itself")]
)
def test_a_defect_without_its_mask_is_named_and_no_place_is_scored(
    tmp_path: Path, shape: tuple[int, ...], reason: str
) -> None:
    for path in sorted((anomaly_set(tmp_path) / "ground_truth" / "crack").iterdir()):
        path.unlink()
        if shape:
            saved(path, np.zeros(shape, np.uint8))
    splits, _ = folders.read_folder(tmp_path)
    assert any(reason in line and "kept, but no place is scored" in line for line in splits.dropped)
    assert not any("mask" in e.extra for e in splits.test)


def test_a_folder_of_several_sets_is_refused_with_one_to_name(tmp_path: Path) -> None:
    anomaly_set(tmp_path / "bottle")
    with pytest.raises(GalleryError, match=r"holds several sets: bottle. Name one: --data .*bottle"):
        folders.read_folder(tmp_path)


def test_folders_beside_given_splits_are_left_out_by_name(tmp_path: Path) -> None:
    for name in ("train", "test", "extra"):
        class_folders(tmp_path / name, {"ok": 6, "dent": 6})
    splits, _ = folders.read_folder(tmp_path)
    assert len(splits.train) == len(splits.test) == 12
    assert "12 pictures: left out, in none of train, val, test (extra/dent/" in splits.dropped[0]


def test_a_sheet_gives_one_picture_per_row_of_labels(tmp_path: Path) -> None:
    sheet = noise(40, 60)
    saved(tmp_path / "sheet_00.png", sheet)
    rows = [(0, row, column) for row in range(4) for column in range(6)]
    text = "id,sheet,row,col,class\n" + "".join(
        f"{n},{s},{r},{c},{'No-Anomaly' if n % 2 else 'Cell'}\n" for n, (s, r, c) in enumerate(rows)
    )
    (tmp_path / "labels.csv").write_text(text)
    splits, good = folders.read_folder(tmp_path)
    examples = {e.id: e for part in splits.named().values() for e in part}
    assert good == "No-Anomaly" and len(examples) == len(rows)
    assert (examples["7"].inputs.pixels() == sheet[10:20, 10:20]).all()


def test_a_list_of_files_keeps_parts_whole(tmp_path: Path) -> None:
    lines = ["file,class,group"]
    for number in range(60):
        saved(tmp_path / f"{number}.png", noise())
        lines.append(f"{number}.png,{'good' if number % 2 else 'bad'},part-{number // 3}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    splits, _ = folders.read_folder(tmp_path)
    groups = [{e.group for e in part} for part in splits.named().values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 20


def test_faults_name_the_row_and_paths_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,class\nnone.png,good\nother.png,\n")
    with pytest.raises(GalleryError, match=r"row 2: no file 'none.png'(.|\n)*row 3: class is empty"):
        folders.read_folder(tmp_path)
    (tmp_path / "labels.csv").write_text("file,class\n../secret.png,good\n")
    with pytest.raises(GalleryError, match="leaves the data folder"):
        folders.read_folder(tmp_path)


def test_without_a_class_for_good_parts_the_message_says_what_to_name(tmp_path: Path) -> None:
    class_folders(tmp_path, {"scratch": 8, "crack": 8})
    with pytest.raises(GalleryError, match="must say that nothing is wrong"):
        find("surface_defects").load(tmp_path)


def test_two_frames_and_big_files(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise()), Image.fromarray(noise())]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    assert "several frames" in read_pixels(tmp_path / "two.tif")[1][0]
    large = picture_of(noise(), lambda: np.zeros((2, 2), np.uint8))
    assert large.pixels().shape == (2, 2)
