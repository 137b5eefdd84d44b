"""A person's own pictures: class folders, or a labels.csv of files or of tiles on sheets.

Each rule for what cannot be used stands here once, and what it caught is counted in `Splits.dropped`:
an unreadable file is skipped; a picture that stands in two classes is dropped everywhere; of exact copies
in one class one is kept; a class with fewer than five pictures is dropped.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from common.data import existing_folder, inside, split_by_group
from common.errors import FaultsError, GalleryError
from common.pictures import SUFFIXES, BadPicture, Picture, picture_of, read_pixels
from common.usecase import Example, Source, Splits
from usecases.surface_defects.anomaly_sets import MASKS, refuse_several, with_masks, without_defects_to_learn

GOOD_NAMES = ("good", "ok", "normal", "no anomaly", "no defect", "defect free", "none", "pass", "no issue")
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
SPLITS["test"] = "test"
FEWEST_OF_CLASS = 5
BLOCK = 10  # consecutive pictures of a class count as one part where nothing says which part it was
SHARES = (0.7, 0.8)
NAMED = 5
LARGEST_KEPT_BYTES = 200_000  # larger pictures are read again from disk when they are needed


@dataclass(frozen=True)
class Item:
    """One picture as it was found."""

    name: str
    label: str
    picture: Picture
    group: str = ""
    split: str = ""


class Notes:
    """What was left out or changed, by reason, with some names."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        self.names[reason].append(name)

    def lines(self) -> tuple[str, ...]:
        """One line a reason: how many, and the first names."""
        return tuple(
            f"{len(names)} pictures: {reason} ({', '.join(names[:NAMED])}{' ...' * (len(names) > NAMED)})"
            for reason, names in sorted(self.names.items())
        )


def read_folder(folder: Path) -> tuple[Splits, str]:
    """The splits of a person's folder, and which label means that nothing is wrong."""
    existing_folder(folder)
    notes = Notes()
    found = from_labels(folder, notes) if (folder / "labels.csv").is_file() else from_classes(folder, notes)
    items = kept_items(list(found), notes)
    good = good_label(sorted({item.label for item in items}), folder)
    made = dealt(items, good, notes)
    made["test"], faults = with_masks(made["test"], good, folder)
    for name, fault in faults.items():
        notes.add(f"kept, but no place is scored: {fault}", name)
    source = Source(folder.resolve().name, "as stated by its owner", "given by the user")
    splits = Splits(made["train"], made["val"], made["test"], dropped=notes.lines(), source=source)
    refuse_one_sided(splits, good, folder)
    return splits, good


def good_label(labels: list[str], folder: Path) -> str:
    """The class whose name says that nothing is wrong."""
    plain = {label: " ".join(label.lower().replace("-", " ").replace("_", " ").split()) for label in labels}
    found = [label for label in labels if plain[label] in GOOD_NAMES]
    if len(found) != 1 or len(labels) < 2:
        raise GalleryError(
            f"--data {folder} has the usable classes {', '.join(labels) or 'none'}. Needed are two or more, "
            f"and one of them must say that nothing is wrong: name it one of {', '.join(GOOD_NAMES)}."
        )
    return found[0]


def refuse_one_sided(splits: Splits, good: str, folder: Path) -> None:
    """Train and test must both show good and bad."""
    for name in ("train", "test"):
        count = Counter(example.answer == good for example in splits.named()[name])
        if not count[True] or not count[False]:
            raise GalleryError(
                f"--data {folder}: the {name} split has {count[True]} good and {count[False]} bad pictures; "
                "both are needed. Give more pictures, or leave the split to the gallery."
            )


def from_classes(folder: Path, notes: Notes) -> Iterator[Item]:
    """Pictures in CLASS/, or in train/CLASS/, val/CLASS/ and test/CLASS/."""
    tops = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    tops = [path for path in tops if path.name != MASKS]
    refuse_several(folder, tops)
    given = {path: SPLITS[path.name.lower()] for path in tops if path.name.lower() in SPLITS}
    classes = [(sub, given[top]) for top in given for sub in sorted(top.iterdir())]
    classes = classes or [(top, "") for top in tops]
    if not any(path.is_dir() for path, _ in classes):
        raise GalleryError(
            f"--data {folder}: found neither labels.csv nor a folder for each class. Give one of them; the "
            "README of this use case shows both."
        )
    for path, split in classes:
        for file in pictures_in(path):
            yield from item_of(file, str(file.relative_to(folder)), path.name, notes, split=split)
    for file in (file for top in tops if given and top not in given for file in pictures_in(top)):
        notes.add("left out, in none of train, val, test", str(file.relative_to(folder)))


def pictures_in(folder: Path) -> list[Path]:
    """The picture files beneath a folder; none where it is a file."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]


def item_of(
    file: Path, name: str, label: str, notes: Notes, group: str = "", split: str = ""
) -> Iterator[Item]:
    """The picture of a file, or a note why there is none."""
    try:
        pixels, changes = read_pixels(file)
    except BadPicture as error:
        notes.add(f"skipped, {error}", name)
        return
    for change in changes:
        notes.add(f"kept, {change}", name)
    again = partial(reread, file) if pixels.nbytes > LARGEST_KEPT_BYTES else None
    yield Item(name, label, picture_of(pixels, again), group, split)


def reread(file: Path) -> np.ndarray:
    return read_pixels(file)[0]


def from_labels(folder: Path, notes: Notes) -> Iterable[Item]:
    """Pictures that labels.csv names: one file a row, or one tile of a sheet a row."""
    with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        columns, rows = set(reader.fieldnames or ()), list(reader)
    if "class" in columns and "file" in columns:
        return listed_files(folder, rows, notes)
    if {"class", "sheet", "row", "col"} <= columns:
        return tiles(folder, rows, notes)
    raise GalleryError(
        f"{folder / 'labels.csv'} has the columns {', '.join(sorted(columns)) or 'none'}; needed are "
        "class and file, or class, sheet, row and col. Optional: id, group (the part), split."
    )


def checked_split(row: dict[str, str], number: int, faults: list[str]) -> str:
    """The split that a row asks for, empty when it leaves that open."""
    asked = (row.get("split") or "").strip().lower()
    if asked and asked not in SPLITS:
        faults.append(f"labels.csv row {number}: split {asked!r} is none of train, val, test")
    return SPLITS.get(asked, "")


def listed_files(folder: Path, rows: list[dict[str, str]], notes: Notes) -> list[Item]:
    """One file a row."""
    items: list[Item] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=2):
        split, path = checked_split(row, number, faults), inside(folder, row["file"])
        if not row["class"]:
            faults.append(f"labels.csv row {number}: class is empty")
        elif not path.is_file():
            faults.append(f"labels.csv row {number}: no file {row['file']!r}")
        else:
            items += item_of(path, row["file"], row["class"], notes, row.get("group") or "", split)
    refuse(folder, faults)
    return items


def tiles(folder: Path, rows: list[dict[str, str]], notes: Notes) -> list[Item]:
    """One tile a row, of sheets that all have the same grid."""
    faults: list[str] = []
    places = []
    for number, row in enumerate(rows, start=2):
        try:
            places.append((int(row["sheet"]), int(row["row"]), int(row["col"])))
        except (TypeError, ValueError):
            faults.append(f"labels.csv row {number}: sheet, row and col must be whole numbers")
    refuse(folder, faults)
    grid = (1 + max(p[1] for p in places), 1 + max(p[2] for p in places))
    sheets = {number: read_sheet(folder, number, faults) for number in sorted({p[0] for p in places})}
    refuse(folder, faults)
    items = []
    for number, (row, (sheet, down, right)) in enumerate(zip(rows, places, strict=True), start=2):
        pixels = sheets[sheet]
        high, wide = pixels.shape[0] // grid[0], pixels.shape[1] // grid[1]
        if min(down, right) < 0 or not row["class"]:
            faults.append(f"labels.csv row {number}: no such tile, or no class")
        tile = pixels[down * high : (down + 1) * high, right * wide : (right + 1) * wide].copy()
        name, split = row.get("id") or f"{sheet}-{down}-{right}", checked_split(row, number, faults)
        items.append(Item(name, row["class"], picture_of(tile), row.get("group") or "", split))
    refuse(folder, faults)
    return items


def read_sheet(folder: Path, number: int, faults: list[str]) -> np.ndarray:
    """A sheet of tiles, or a fault."""
    path = folder / f"sheet_{number:02d}.png"
    try:
        return read_pixels(path)[0]
    except FileNotFoundError:
        faults.append(f"{path.name}: no such file")
    except BadPicture as error:
        faults.append(f"{path.name}: {error}")
    return np.zeros((8, 8), np.uint8)


def refuse(folder: Path, faults: list[str]) -> None:
    if faults:
        raise FaultsError(f"The data in {folder}", faults, "Nothing was run. Mend the rows and run again.")


def kept_items(items: list[Item], notes: Notes) -> list[Item]:
    """Items after the rules on copies and small classes; of copies the one nearest to test stays."""
    classes: dict[str, set[str]] = defaultdict(set)
    for item in items:
        classes[item.picture.hash].add(item.label)
    chosen: dict[str, Item] = {}
    nearest: Callable[[Item], int] = lambda item: ("test", "val", "train", "").index(item.split)  # noqa: E731
    for item in sorted(items, key=nearest):
        if len(classes[item.picture.hash]) > 1:
            notes.add("dropped, the same picture stands in several classes", item.name)
        elif item.picture.hash in chosen:
            notes.add("dropped, an exact copy of another picture of its class", item.name)
        else:
            chosen[item.picture.hash] = item
    sizes = Counter(item.label for item in chosen.values())
    kept = []
    for item in items:
        if chosen.get(item.picture.hash) is not item:
            continue
        if sizes[item.label] < FEWEST_OF_CLASS:
            notes.add(f"dropped, class {item.label!r} has fewer than {FEWEST_OF_CLASS} pictures", item.name)
        else:
            kept.append(item)
    return kept


def dealt(items: list[Item], good: str, notes: Notes) -> dict[str, tuple[Example, ...]]:
    """The splits as given, or dealt; where train shows no defect, the other pictures are dealt anew."""
    if not without_defects_to_learn([(item.split, item.label) for item in items], good):
        return split_items(items)
    others = [replace(item, split="") for item in items if item.split not in ("train", "")]
    for item in others:
        notes.add("dealt anew over train, val and test, since train shows no defect", item.name)
    first, more = split_items([item for item in items if item.split in ("train", "")]), split_items(others)
    return {name: (*first[name], *more[name]) for name in first}


def split_items(items: list[Item]) -> dict[str, tuple[Example, ...]]:
    """Splits as given; else by part where the part is named; else in consecutive blocks of each class.

    Consecutive pictures mostly show the same part or site, so blocks are the honest choice: a random
    split would put near-copies of training pictures in test.
    """
    if any(item.split for item in items):
        given = [(item.split or "train", example_of(item, item.group or item.name)) for item in items]
        return {name: tuple(e for s, e in given if s == name) for name in ("train", "val", "test")}
    if all(item.group for item in items):
        return split_by_group([example_of(item, item.group) for item in items]).named()
    made: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    for label in sorted({item.label for item in items}):
        members = [item for item in items if item.label == label]
        size = min(BLOCK, max(1, len(members) // 20))
        blocks = [members[start : start + size] for start in range(0, len(members), size)]
        for number, block in enumerate(blocks):
            share = (number + 0.5) / len(blocks)
            name = "train" if share < SHARES[0] else "val" if share < SHARES[1] else "test"
            made[name] += [example_of(item, f"{label} {number}") for item in block]
    return {name: tuple(examples) for name, examples in made.items()}


def example_of(item: Item, group: str) -> Example:
    return Example(item.name, group, item.picture, item.label)
