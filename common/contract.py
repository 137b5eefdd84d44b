"""What every use case must hold. Each check gives the faults it found, in words that say the mend."""

import ast
import math
from collections.abc import Callable
from pathlib import Path

from common import config, data
from common import usecase as usecases
from common.errors import GalleryError
from common.evaluate import score_columns
from common.job import Output
from common.usecase import Splits, UseCase

BANNED = {"torch", "transformers", "trl", "peft", "sentence_transformers", "accelerate", "pickle"}
LARGEST_DATA_BYTES = 200_000
HEADINGS = ("The problem", "Data and licence", "Run it", "Result", "What failed", "Your own data")
MEMBERS = ("title", "story", "tuner", "headline", "source", "limits")


def check(folder: Path) -> list[str]:
    """Every fault of the use case in a folder; an empty list is a pass."""
    faults = import_faults(folder)
    try:
        usecase = usecases.load_class(folder / "usecase.py")()
    except GalleryError as error:
        return [*faults, str(error)]
    faults += member_faults(usecase) + folder_faults(folder)
    if faults:
        return faults
    splits = usecase.load(None)
    for rule in (variant_faults, leak_faults, score_faults, floor_faults, row_faults):
        faults += guarded(rule, usecase, splits)
    return faults


def guarded(rule: Callable[[UseCase, Splits], list[str]], usecase: UseCase, splits: Splits) -> list[str]:
    """A rule's faults; a member that raises is a fault of its own."""
    try:
        return rule(usecase, splits)
    except Exception as error:
        return [f"{rule.__name__}: {type(error).__name__}: {error}"]


def import_faults(folder: Path) -> list[str]:
    """Imports of a neighbour, or of a library that only the core may touch."""
    faults = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported(node):
                parts = name.split(".")
                if parts[0] == "usecases" and len(parts) > 1 and parts[1] != folder.name:
                    faults.append(f"{path.name} line {node.lineno} imports a neighbour: {name}")
                if parts[0] in BANNED:
                    faults.append(
                        f"{path.name} line {node.lineno} imports {name}: only the core loads models"
                    )
    return faults


def imported(node: ast.AST) -> list[str]:
    """Module names that a statement imports, relative ones as a neighbour's."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level > 1:
            return [f"usecases.{module or 'above'}"]
        return [f"{module}.{alias.name}" for alias in node.names] if module == "usecases" else [module]
    return []


def member_faults(usecase: UseCase) -> list[str]:
    """Members that every use case must say."""
    missing = [name for name in MEMBERS if not getattr(usecase, name, "")]
    faults = [f"member {name!r} is missing or empty" for name in missing]
    if "source" not in missing and not usecase.source.licence:
        faults.append("source.licence is empty: say under which licence the data stands")
    return faults


def folder_faults(folder: Path) -> list[str]:
    """The README's headings and the size of the data that ships."""
    readme = folder / "README.md"
    faults = []
    if not readme.is_file():
        faults.append("README.md is missing")
    else:
        text = readme.read_text(encoding="utf-8")
        faults += [f"README.md lacks the heading {h!r}" for h in HEADINGS if f"## {h}" not in text]
    size = sum(path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file())
    if size > LARGEST_DATA_BYTES:
        faults.append(f"data/ holds {size:,} bytes, at most {LARGEST_DATA_BYTES:,}: generate it instead")
    return faults


def variant_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """Every variant builds, its keys are known, its method applies."""
    from common import methods

    faults = []
    for variant in config.variants(usecase):
        try:
            needs = config.read_variant(usecase, variant).get("needs_data")
            given = {"data": Path("given by the user")} if needs else {}
            built = config.build(usecase, variant, given)
            methods.find(built.method, built.tuner)
        except GalleryError as error:
            faults.append(f"variant {variant!r}: {error}")
    return faults


def leak_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """Nothing of the test may stand in train."""
    return [f"leak: {leak}" for leak in data.leaks(splits)]


def score_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """Gold scores 1.0 on every test example, the blank answer on none."""
    faults = []
    for example in splits.test:
        gold = usecase.score(example, usecase.gold(example)).get(usecase.headline, math.nan)
        if not math.isclose(gold, 1.0, abs_tol=1e-9):
            faults.append(f"gold of test {example.id!r} scores {gold} on {usecase.headline}, not 1.0")
        blank = usecase.score(example, usecase.blank()).get(usecase.headline, math.nan)
        if not blank < 1.0:
            faults.append(f"the blank answer scores {blank} on test {example.id!r}")
    return faults


def floor_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """The floor scores below gold and above the blank answer, and sees no test answer."""
    test = splits.test
    floor = mean_headline(usecase, splits, usecase.floor(splits)(test))
    blank = mean_headline(usecase, splits, [usecase.blank()] * len(test))
    faults = []
    if floor >= 1.0:
        faults.append(f"the floor scores {floor:.3f}, no less than gold: the task needs no model")
    if floor <= blank:
        faults.append(
            f"the floor scores {floor:.3f}, no more than the blank answer ({blank:.3f}): "
            "make it the best that needs no model"
        )
    return faults


def mean_headline(usecase: UseCase, splits: Splits, values: list[object]) -> float:
    """The headline of some answers to the whole test split."""
    outputs = [Output(e.id, value) for e, value in zip(splits.test, values, strict=True)]
    columns = score_columns(usecase, splits.test, outputs)
    return usecase.aggregate(columns)[usecase.headline]


def row_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """Every training example gives at least one row, all rows have the same columns."""
    shapes = set()
    faults = []
    for example in splits.train:
        rows = usecase.train_rows(example, splits)
        if not rows:
            faults.append(f"train {example.id!r} gives no training row")
        shapes |= {tuple(sorted(row)) for row in rows}
    if len(shapes) > 1:
        faults.append(f"training rows have differing columns: {sorted(shapes)}")
    return faults
