"""What every use case must hold. Each check gives the faults it found, in words that say the mend."""

import ast
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import board, config, data, honesty, results
from common import usecase as usecases
from common.errors import GalleryError
from common.usecase import Splits, UseCase

MODEL_LIBRARIES = {"torch", "transformers", "trl", "peft", "sentence_transformers", "accelerate"}
UNPICKLERS = {"pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
HARMLESS = {"urllib.parse"}  # writes addresses, opens none
NETWORK = {"requests", "urllib", "urllib3", "http", "httpx", "aiohttp", "socket", "huggingface_hub"}
SCORE = re.compile(r"\b0\.\d{2,}\b")
LARGEST_DATA_BYTES = 200_000
HEADINGS = ("The problem", "Data and licence", "Run it", "Result", "What failed", "Your own data")
MEMBERS = ("title", "story", "tuner", "headline", "source", "limits")


def check(folder: Path) -> list[str]:
    """Every fault of the use case in a folder; an empty list is a pass."""
    faults = [fault for _, _, look in FOLDER_RULES for fault in look(folder)]
    try:
        usecase = usecases.load_class(folder / "usecase.py")()
    except Exception as error:
        return [*faults, f"usecase.py cannot be loaded: {type(error).__name__}: {error}"]
    faults += member_faults(usecase)
    if faults:
        return faults
    splits = usecase.load(None)
    return [fault for _, _, look in RULES for fault in guarded(look, usecase, splits)]


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
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            faults.append(f"{path.name} line {error.lineno} is not Python: {error.msg}")
            continue
        for node in ast.walk(tree):
            for name in imported(node):
                parts = name.split(".")
                if parts[0] == "usecases" and len(parts) > 1 and parts[1] != folder.name:
                    faults.append(f"{path.name} line {node.lineno} imports a neighbour: {name}")
                if name not in HARMLESS and (why := banned(parts[0])):
                    faults.append(f"{path.name} line {node.lineno} imports {name}: {why}")
    return faults


def banned(library: str) -> str:
    """Why a use case may not import a library; empty where it may."""
    if library in MODEL_LIBRARIES:
        return "only the core loads models"
    if library in UNPICKLERS:
        return "nothing is unpickled; write JSON or safetensors"
    return "no use case touches the network" if library in NETWORK else ""


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


def heading_faults(folder: Path) -> list[str]:
    """The README's headings, so that every use case answers the same questions."""
    readme = folder / "README.md"
    if not readme.is_file():
        return ["README.md is missing"]
    text = readme.read_text(encoding="utf-8")
    return [f"README.md lacks the heading {h!r}" for h in HEADINGS if f"## {h}" not in text]


def number_faults(folder: Path) -> list[str]:
    """Numbers in the README come from records: the block is as generated, and no score stands outside it."""
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if text.count(board.BEGIN) != 1 or text.count(board.END) != 1:
        return [f"README.md needs one generated block under `## Result`: {board.BEGIN} and {board.END}"]
    faults = [
        f"README.md has the score {score} outside the generated block: no record carries it"
        for score in SCORE.findall(board.BLOCK.sub("", text))
    ]
    if board.with_block(text, board.own_block(results.entries(), folder.name)) != text:
        faults.append(
            "the generated block of README.md is not what the records give: it was edited or is stale"
        )
    return faults


def size_faults(folder: Path) -> list[str]:
    """The size of the data that ships, packed as git packs it: what everyone downloads."""
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    size = sum(len(zlib.compress(path.read_bytes())) for path in files)
    if size > LARGEST_DATA_BYTES:
        return [
            f"data/ holds {size:,} bytes when packed, at most {LARGEST_DATA_BYTES:,}: generate it instead"
        ]
    return []


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
    """Nothing of the test may stand in train, in no variant."""
    tasks = {name: config.read_variant(usecase, name) for name in config.variants(usecase)}
    own = {name: read["task"] for name, read in tasks.items() if "task" in read and "needs_data" not in read}
    found = [f"leak: {leak}" for leak in data.leaks(splits)]
    return found + honesty.variant_split_faults(usecase, splits, own)


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


Rule = tuple[str, str, Callable[..., Any]]
FOLDER_RULES: tuple[Rule, ...] = (
    ("imports", "take what you need from common/, or add it there", import_faults),
    ("README headings", f"write a section for each of: {', '.join(HEADINGS)}", heading_faults),
    ("README numbers", "take the number out, publish the run, and run `gallery tables`", number_faults),
    ("data size", "generate the data in data.py, or keep fewer rows", size_faults),
)
RULES: tuple[Rule, ...] = (
    ("variants parse", "see `gallery show NAME` and common/config.py for the keys", variant_faults),
    ("splits are apart", "give both rows the same `group` or `split`, or remove one", leak_faults),
    ("gold scores 1.0, blank does not", "mend score(), gold() or blank()", score_faults),
    (
        "the scorer is honest",
        "compare the output with example.answer and nothing else",
        honesty.scorer_faults,
    ),
    ("the input hides the answer", "build model_input from example.inputs alone", honesty.input_faults),
    ("the floor is honest", "see common/floors.py for floors that are hard to beat", honesty.floor_faults),
    ("every example is trained on", "give one row or more per training example", row_faults),
    (
        "training asks as the run asks",
        "use self.model_input(example) in train_rows",
        honesty.row_input_faults,
    ),
    ("training teaches the gold", "use self.gold(example) in train_rows", honesty.taught_faults),
    ("training sees train only", "use splits.train alone in training_set", honesty.training_faults),
)
