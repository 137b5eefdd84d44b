"""English to SQL: write the query that answers a question about a database never seen in training."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.data import by_hash
from common.errors import GalleryError
from common.progress import say
from common.usecase import Answerer, Example, Scores, Source, Splits, Table, UseCase
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql.ask import answer_question
from usecases.english_to_sql.floor import NearestQuestion
from usecases.english_to_sql.folder import UserData, read_folder
from usecases.english_to_sql.judge import ABSTAIN_MARKER, Verdict
from usecases.english_to_sql.paid import Cashier, pair
from usecases.english_to_sql.prompt import template_hash
from usecases.english_to_sql.prompting import PLAIN, SHORT, Message, Prompter, messages, shown
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.scoring import choose_by_rows, golds, report, scores, verdict

Generate = Callable[[Sequence[list[Message]]], Sequence[str]]
FORMS = {"sql": PLAIN, "short": SHORT}
MOST_ORDERS = 20
MOST_QUESTIONS = 1_000_000


class EnglishToSql(UseCase):
    """A company's database, its people's questions, and a judge that runs every answer."""

    title = "English to SQL with schema injection"
    story = (
        "People ask about a database that the model has never seen: it reads the tables from the prompt "
        "and writes a query that must return the right rows on nine databases, not on one."
    )
    tuner = "sft"
    headline = "ex_suite"
    floor_label = "nearest question, renamed"
    refusal = ABSTAIN_MARKER
    source: Source = own_data.SOURCE
    limits = (
        "For read-only questions in English on SQLite. Show the query to the person who asked: an answer "
        "that runs may still be wrong. The model is told to refuse where the tables lack what is asked; "
        "it misses most such questions. Run what it writes in the sandbox only."
    )

    def __init__(self) -> None:
        self.user: UserData | None = None
        self.prompter, self.orders, self.questions = Prompter(PLAIN, self.schema), 1, MOST_QUESTIONS
        self.cashier = Cashier(self.schema)
        self.unread: dict[str, list[Example]] = defaultdict(list)

    def configured(self, task: Mapping[str, Any]) -> "EnglishToSql":
        """`answers = "short"`: a numbered schema and short SQL, for models too small for long names.
        `orders = 3`: every question is learnt under as many orders of its schema, one after the other.
        `questions = 4000`: no more are learnt, drawn by hash; untuned contenders may look at all of them.
        `paid = true`: after that the judge pays for the model's own answers.
        """
        answers, paid = task.get("answers", "sql"), task.get("paid", False)
        orders, questions = task.get("orders", 1), task.get("questions", MOST_QUESTIONS)
        counted = in_range(orders, MOST_ORDERS) and in_range(questions, MOST_QUESTIONS)
        known = set(task) <= {"answers", "orders", "questions", "paid"}
        if not (known and counted and answers in FORMS and isinstance(paid, bool)):
            raise GalleryError(
                f'task reads answers = "sql" or "short", orders from 1 to {MOST_ORDERS}, questions from '
                f"1 to {MOST_QUESTIONS:,}, and paid = true or false; found {dict(task)}."
            )
        made = type(self)()
        made.prompter, made.cashier = Prompter(FORMS[answers], made.schema), Cashier(made.schema)
        made.orders, made.questions = orders, questions
        made.tuner = "preference" if paid else self.tuner
        return made

    def load(self, data: Path | None) -> Splits:
        self.user = None if data is None else read_folder(data)
        splits = own_data.load() if self.user is None else self.user.splits
        self.unread.clear()
        for example in splits.test:
            self.unread[example.group].append(example)
        return splits

    def schema(self, schema_id: str) -> Schema:
        """A schema as prompts show it."""
        return self.user.schemas[schema_id] if self.user else own_data.schema(schema_id)

    def model_input(self, example: Example) -> list[Message]:
        return messages(self.prompter.asked(example).text)

    def ready(self, examples: Sequence[Example], learnt: bool = False) -> None:
        self.prompter.ready(examples, learnt)

    def hinted_input(self, example: Example, splits: Splits) -> list[Message]:
        """The training question that is most alike, answered, and then the question."""
        solved = self.cashier.solved(splits.train, example.inputs["question"], shown(example, self.schema))
        row = self.prompter.training_row([solved], shot=True)
        return [*row["prompt"], *row["completion"], *self.model_input(example)]

    def asked(self, example: Example) -> str:
        return example.inputs["question"]

    def gold(self, example: Example) -> str:
        return example.answer

    def blank(self) -> str:
        return ""

    def read(self, example: Example, output: str) -> str:
        """The query that a short answer stands for.

        Another process may have answered; the test questions of a schema are then read here in one go.
        """
        self.ready(self.unread.pop(example.group, ()))
        return self.prompter.sql(example, output)

    def judged(self, example: Example, output: str) -> Verdict:
        """The verdict on an answer over all databases of its schema."""
        return verdict(self.read(example, output), golds(example), self.databases_of(example))

    def databases_of(self, example: Example) -> tuple[bytes, ...]:
        """The visible database first, then the hidden ones."""
        name = example.inputs["schema_id"]
        if self.user:
            return self.user.databases.get(example.id, self.user.databases[name])
        return own_data.databases(name)

    def score(self, example: Example, output: str) -> Scores:
        return scores(example, output, self.judged(example, output))

    def floor(self, splits: Splits) -> Answerer:
        nearest = NearestQuestion(splits.train, self.schema)

        def answer(examples: Sequence[Example]) -> list[Any]:
            return nearest.answer(examples, lambda example: shown(example, self.schema))

        return answer

    def reward(self, example: Example, output: str) -> float:
        return self.cashier.pay(example, self.prompter.sql(example, output))

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        if self.tuner == "preference":
            return [pair(self.prompter, example)]
        return [self.prompter.training_row([example], shot=True)]

    def start_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        """All rows come with the first example, since questions to one schema share a row."""
        return self.training_set(splits) if example is splits.train[0] else []

    def training_set(self, splits: Splits) -> list[dict[str, Any]]:
        """Several questions to a schema, which is read once for all of them."""
        draws = [replace(self.prompter, draw=number) for number in range(self.orders)]
        chosen = {example.id for example in by_hash(splits.train)[: self.questions]}
        examples = [example for example in splits.train if example.id in chosen]
        rows = [row for prompter in draws for row in prompter.training_set(examples)]
        asked = sum(message["role"] == "assistant" for row in rows for message in row["completion"])
        if left_out := self.orders * len(examples) - asked:
            say(f"  {left_out:,} of {asked + left_out:,} questions are left out: the linker misses a column")
            say("  that their query needs, and to learn from them is to learn to guess")
        return rows

    def template(self) -> str:
        return template_hash(self.prompter.options)

    def choose(self, example: Example, answers: Sequence[str]) -> str:
        queries = [self.prompter.sql(example, answer) for answer in answers]
        return answers[choose_by_rows(queries, self.databases_of(example)[0])]

    def ask(self, question: str, source: Path | None, model: Generate) -> str:
        if source is None:
            raise GalleryError('No database was named. Give one: --db my.sqlite "your question".')
        return answer_question(source, question, lambda prompt: model([prompt])[0], self.prompter.options)

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        return report(splits, models, self.judged)


def in_range(count: Any, most: int) -> bool:
    return isinstance(count, int) and 1 <= count <= most


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
