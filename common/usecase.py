"""What a use case is: one class that says everything about a domain problem and does no work.

A use case never loops over training, loads a model or writes a file; the core does. A folder
`usecases/<name>/usecase.py` with one subclass of `UseCase` is a registration: no list names it.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from common.errors import GalleryError

ROOT = Path(__file__).resolve().parents[1]
USECASES_FOLDER = ROOT / "usecases"

Scores = Mapping[str, float]
Columns = Mapping[str, np.ndarray]
Answerer = Callable[[Sequence["Example"]], list[Any]]


@dataclass(frozen=True)
class Source:
    """Where data comes from and what may be done with it."""

    name: str
    licence: str
    origin: str
    revision: str = ""


@dataclass(frozen=True)
class Example:
    """One question with its right answer. No group may stand in two splits.

    `extra` is for further tables only: no model and no floor sees it.
    """

    id: str
    group: str
    inputs: Any
    answer: Any
    kind: str = "all"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Splits:
    """What each split is for: train to fit, val to choose, test to be scored once.

    `documents` is what a retrieval use case ranks. `probes` are examples scored beside the
    headline. `dropped` says what was left out of the data, and why. Training examples of a very
    large file stay in it (`common.rows.Rows`).
    """

    train: Sequence[Example]
    val: tuple[Example, ...]
    test: tuple[Example, ...]
    documents: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    source: Source | None = None

    def named(self) -> dict[str, tuple[Example, ...]]:
        """The three splits by name, in the order in which a run uses them."""
        return {"train": self.train, "val": self.val, "test": self.test}


@dataclass(frozen=True)
class Table:
    """A table that a use case adds to its report."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


class UseCase:
    """Subclass this. Everything without a default must be said."""

    name: ClassVar[str] = ""
    title: ClassVar[str]
    story: ClassVar[str]
    tuner: ClassVar[str]
    headline: ClassVar[str]
    source: ClassVar[Source]
    limits: ClassVar[str]
    floor_label: ClassVar[str] = "no model"
    cut_mark: ClassVar[str] = ""  # put behind an answer that hit the length limit, so that a scorer sees it
    refusal: ClassVar[str] = ""  # what a text model writes when it refuses; how readily is chosen on val
    margin: ClassVar[float] = 0.02
    largest_forgetting: ClassVar[float] = 0.05
    budget_minutes: ClassVar[float] = 6.0

    def configured(self, task: Mapping[str, Any]) -> "UseCase":
        """The use case as the `task` table of a variant wants it; most have nothing to choose."""
        if task:
            raise GalleryError(f"{self.name} reads no `task` settings, found {', '.join(task)}.")
        return self

    def load(self, data: Path | None) -> Splits:
        """The examples: our own when `data` is None, else the person's file or folder."""
        raise NotImplementedError

    def model_input(self, example: Example) -> Any:
        """What the model sees."""
        raise NotImplementedError

    def ready(self, examples: Sequence[Example], learnt: bool = False) -> None:
        """Is told which inputs, or if learnt which training rows, come next: some are quicker at once."""

    def gold(self, example: Example) -> Any:
        """The output that is fully right; it must score 1.0 on the headline. A text answer is its own."""
        return example.answer

    def blank(self) -> Any:
        """The output of a model that says nothing; it must not score 1.0. No text, unless you say other."""
        return ""

    def read(self, example: Example, output: Any) -> Any:
        """The answer that people get, where a small model writes a short form of it."""
        return output

    def score(self, example: Example, output: Any) -> Scores:
        """What is right about one output, as named numbers. Names with `_` first stay inside."""
        raise NotImplementedError

    def floor(self, splits: Splits) -> Answerer:
        """The best answers that need no model."""
        raise NotImplementedError

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        """The training rows of an example, in the column names that the tuner's library documents."""
        raise NotImplementedError

    def training_set(self, splits: Splits) -> list[dict[str, Any]]:
        """Every training row. Override to put several examples into one conversation."""
        return [row for example in splits.train for row in self.train_rows(example, splits)]

    def start_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        """Prompt and completion of the supervised stage before preferences: the chosen answers."""
        rows = self.train_rows(example, splits)
        return [{"prompt": row["prompt"], "completion": row["chosen"]} for row in rows]

    def hinted_input(self, example: Example, splits: Splits) -> Any:
        """What an untuned model is shown beside `model_input`, such as a glossary."""
        return self.model_input(example)

    def reward(self, example: Example, output: Any) -> float:
        """What a verifiable reward pays for one answer, 0 to 1."""
        return float(self.score(example, output)[self.headline])

    def asked(self, example: Example) -> str:
        """What an example asks, by which similar training examples are found for a prompt."""
        shown = self.model_input(example)
        return shown if isinstance(shown, str) else str(shown[-1]["content"])

    def new_pieces(self, splits: Splits) -> Sequence[str]:
        """Pieces that a text model's vocabulary lacks; each gets a row that is trained."""
        return ()

    def further_floors(self) -> Sequence[tuple[str, str, Callable[[Splits], Answerer]]]:
        """More answers without a model: a name, a label, and what gives the answers."""
        return ()

    def tokenizer_tables(self, tokenizers: Mapping[str, Callable[[], Any]], data: Path | None) -> list[Table]:
        """What tokenizers do to this use case's languages; each is loaded when it is called."""
        return []

    def aggregate(self, columns: Columns) -> dict[str, float]:
        """Scores of a set from the columns of its examples. Override where a mean is not right."""
        return {
            name: float(np.nanmean(column)) if np.isfinite(column).any() else float("nan")
            for name, column in columns.items()
            if not name.startswith("_")
        }

    def neutral(self) -> Splits | None:
        """Material of another domain in its test split, to measure what tuning makes worse."""
        return None

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        """Further tables for the report. `models` holds what the tuner offers, by contender."""
        return []

    def pictures(self, splits: Splits, models: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Further pictures for the report: titles and data addresses."""
        return []

    def settle(
        self, labels: Sequence[str], val: Sequence[Example], val_scores: np.ndarray, scores: np.ndarray
    ) -> list[Any]:
        """Answers from rows of label probabilities; what is chosen about them is chosen on val."""
        return [
            {"label": labels[int(row.argmax())], "scores": dict(zip(labels, row.tolist(), strict=True))}
            for row in scores
        ]

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        """An answer in words to one question; `model` is what the tuner offers for it."""
        raise GalleryError(f"{self.name} answers no single questions.")

    def template(self) -> str:
        """What names the way prompts are written; an adapter is refused when it changes."""
        return ""

    def choose(self, example: Example, answers: Sequence[str]) -> str:
        """The answer to keep among several drawn ones, without looking at the right one."""
        return max(answers, key=answers.count)

    def averages_examples(self) -> bool:
        """Whether `aggregate` is the plain mean, which has a fast exact bootstrap."""
        return type(self).aggregate is UseCase.aggregate


def names(root: Path = USECASES_FOLDER) -> list[str]:
    """The use cases that exist, by folder."""
    return sorted(path.parent.name for path in root.glob("*/usecase.py"))


def find(name: str, root: Path = USECASES_FOLDER) -> UseCase:
    """The use case of that name, or an error that says which exist."""
    if name not in names(root):
        close = get_close_matches(name, names(root), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise GalleryError(
            f"Unknown use case {name!r}.{hint} These exist: {', '.join(names(root)) or 'none'}."
        )
    return load_class(root / name / "usecase.py")()


def load_class(path: Path) -> type[UseCase]:
    """The one subclass of UseCase that a file defines."""
    module_name = f"usecases.{path.parent.name}.usecase"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise GalleryError(f"{path} cannot be read as a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, UseCase) and value.__module__ == module_name
    ]
    if len(found) != 1:
        raise GalleryError(f"{path} must define one subclass of UseCase, found {len(found)}.")
    found[0].name = path.parent.name
    return found[0]


def folder(usecase: UseCase) -> Path:
    """The folder of a use case, wherever it was loaded from."""
    return Path(inspect.getfile(type(usecase))).resolve().parent
