"""The base language model of the text use cases, and the way to its folder.

Grown by `python -m common.embedded.grow`; what it is and what it can do stands in README.md here.
Importing this package loads no torch.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from common.errors import GalleryError

HERE = Path(__file__).parent
TEXT_MODEL_FOLDER = HERE / "text"
MANIFEST = HERE / "manifest.json"
REMEDY = (
    "Restore the folder from the release (git checkout -- common/embedded/text), or grow it again "
    "with: python -m common.embedded.grow --corpus FOLDER"
)


def file_hash(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def faults(folder: Path, manifest: Path) -> list[str]:
    """What is wrong with the files of a model folder, one line a file."""
    found = []
    for name, wanted in json.loads(manifest.read_text(encoding="utf-8")).items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif path.stat().st_size != wanted["bytes"]:
            found.append(f"{name} has {path.stat().st_size} bytes, expected {wanted['bytes']}")
        elif file_hash(path) != wanted["sha256"]:
            found.append(f"{name} has the right size but other content (sha256 differs)")
    return found


def checked_folder(folder: Path, manifest: Path) -> Path:
    """The folder, if every file is as the manifest says."""
    if not manifest.is_file():
        raise GalleryError(f"Asked for the embedded text model; {manifest} is missing. {REMEDY}")
    wrong = faults(folder, manifest)
    if wrong:
        raise GalleryError(
            f"Asked for the embedded text model in {folder}; its files are damaged: "
            f"{'; '.join(wrong)}. {REMEDY}"
        )
    return folder


@cache
def text_model_folder() -> Path:
    """The folder of the embedded text model, every file checked by its hash.

    Weights are stored in fp16; load them with dtype=torch.float32.
    """
    return checked_folder(TEXT_MODEL_FOLDER, MANIFEST)


@cache
def vision_model_folder() -> Path:
    """The folder of the embedded image backbone, every file checked by its hash."""
    folder = HERE / "vision"
    wrong = faults(folder, folder / "manifest.json")
    if wrong:
        raise GalleryError(
            f"Asked for the embedded image model in {folder}; its files are damaged: {'; '.join(wrong)}. "
            "Restore them (git checkout -- common/embedded/vision), or grow it again with: "
            "python -m common.embedded.vision_grow"
        )
    return folder


def neutral_text() -> list[str]:
    """Paragraphs of plain English of our own, for measuring what tuning makes a model forget."""
    text = (HERE / "neutral.txt").read_text(encoding="utf-8")
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
