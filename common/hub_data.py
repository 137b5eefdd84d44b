"""Data sets of the hub: `--data hf:ORG/NAME`, one commit into the cache, then read like a folder."""

import re
from pathlib import Path
from typing import Any

from common import hub, models
from common.errors import GalleryError

ADDRESS = re.compile(
    r"hf:/*(datasets/)?(?P<name>[\w.-]+/[\w.-]+)(?P<inside>(/[\w.-]+)*)(@(?P<revision>[\w./-]+))?"
)


def data_settings(data: Path | None) -> dict[str, Any]:
    """The settings for data as they were named; of those on the hub, where they lie now and what they are."""
    if not str(data).startswith("hf:"):
        return {"data": data}
    models.keep_quiet(online=True)
    named = ADDRESS.fullmatch(str(data))
    if named is None:
        raise GalleryError(
            f"--data {data}: expected hf:ORG/NAME, hf:ORG/NAME/FOLDER, or either with @COMMIT behind it."
        )
    name, inside = named["name"], named["inside"].strip("/")
    whole = hub.fetched(name, named["revision"] or "main", inside)
    return {
        "data": folder_with_rows(whole / inside),
        "source_name": "/".join(filter(None, (name, inside))),
        "source_licence": licence_on(whole / "README.md"),
        "source_origin": f"huggingface.co/datasets/{name} @ {whole.name[:12]}",
    }


def licence_on(card: Path) -> str:
    """The licence that the head of a data set's card names."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    head = text.split("---")[1] if text.startswith("---") and text.count("---") > 1 else ""
    found = re.search(r"^license:\s*(?:-\s*)?[\"']?([\w.-]+)", head, re.MULTILINE)
    return found[1] if found else "not stated on its card"


def folder_with_rows(folder: Path) -> Path:
    """Where the rows lie: here, or in the one folder beneath that has them."""
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise GalleryError(f"The data set has no folder {folder.name}; nothing came.")
    places = {path.parent for path in folder.rglob("*") if may_hold_rows(path)}
    if len(places) > 1 and folder not in places:
        shown = ", ".join(sorted(str(place.relative_to(folder)) for place in places)[:10])
        raise GalleryError(
            f"The data set has rows in several folders: {shown}. Name one: hf:ORG/NAME/FOLDER."
        )
    return folder if folder in places or not places else places.pop()


def may_hold_rows(path: Path) -> bool:
    """Whether a file can be one of rows; JSON only with a split in its name, since cards are JSON too."""
    from common.examples import ENDINGS, split_named_in

    ending = path.suffix.lower()
    return ending in ENDINGS and (ending != ".json" or bool(split_named_in(path)))
