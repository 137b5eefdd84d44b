"""Support chatbot: name the request, answer by policy with the right values, hand over the rest."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import GalleryError
from common.usecase import Answerer, Example, Scores, Source, Splits, Table, UseCase
from usecases.support_chatbot import data as own_data
from usecases.support_chatbot import lessons, plans
from usecases.support_chatbot.content import HAND_OVER, vocabulary
from usecases.support_chatbot.floor import NearestAnswer, Pipeline, first_values, label_answers, said
from usecases.support_chatbot.folder import read_card, read_conversations
from usecases.support_chatbot.guesses import MARK, Guesser, with_guess
from usecases.support_chatbot.prompt import INSTRUCTION, cards_of, conversation, messages, source_text
from usecases.support_chatbot.report import report
from usecases.support_chatbot.scoring import CUT_MARK, scores

Generate = Callable[[Sequence[list[dict[str, str]]]], Sequence[str]]
LABELS_REPEAT = 0.5  # below this share of different answers, answers are labels


class SupportChatbot(UseCase):
    """A shop's service desk whose policies change: what counts stands on the card in the prompt."""

    title = "Support chatbot by supervised fine-tuning"
    story = (
        "Customers write to the desk of a shop in many voices. The assistant names the request, answers "
        "with exactly the asked values of the policy card, and hands over what the card does not cover."
    )
    tuner = "sft"
    headline = "resolved"
    floor_label = "TF-IDF intent and questions + template"
    source: Source = own_data.SOURCE
    limits = (
        "For drafts that a person at a service desk checks before they are sent. It answers only what a "
        "policy card in the prompt states; a wrong card gives a wrong answer. Never let it decide on "
        "money, contracts or safety alone."
    )
    largest_forgetting = 0.25
    cut_mark = CUT_MARK
    refusal = HAND_OVER

    def __init__(self) -> None:
        self.cards, self.rows_per_label, self.own = own_data.CARDS_SHOWN, 0, True
        self.plans = self.guesses = False
        self.fitted: tuple[Sequence[Example], Pipeline] | None = None
        self.guessing: tuple[Sequence[Example], Guesser] | None = None

    def configured(self, task: Mapping[str, Any]) -> UseCase:
        made = type(self)()
        plain = {"cards": made.cards, "rows_per_label": 0, "plans": False, "guesses": False}
        known = {**plain, **task}
        made.cards, made.rows_per_label = int(known.pop("cards")), int(known.pop("rows_per_label"))
        made.plans, made.guesses = bool(known.pop("plans")), bool(known.pop("guesses"))
        if made.guesses and not made.plans:
            raise GalleryError(
                "guesses stand in prompts with plans: set plans = true as well, or leave guesses out."
            )
        return super(SupportChatbot, made).configured(known)

    def load(self, data: Path | None) -> Splits:
        self.own = data is None
        return own_data.load(self.cards) if data is None else read_conversations(data, self.rows_per_label)

    def model_input(self, example: Example) -> list[dict[str, str]]:
        if not (self.plans and cards_of(example)):
            return messages(example)
        *earlier, last = plans.short_messages(example)
        return [*earlier, {**last, "content": self.guessed(example, last["content"], said(example))}]

    def guessed(self, example: Example, message: str, said_so_far: str) -> str:
        """A message as the prompt shows it, with what a classifier makes of all that was said."""
        if not self.guesses:
            return message
        shown = [card["intent"] for card in cards_of(example)]
        return with_guess(message, self.guesser()(said_so_far, shown))

    def guesser(self, splits: Splits | None = None) -> Guesser:
        """The classifier for guesses, fitted once on the training part: the one it is given, or all."""
        if self.guessing is None or (splits and self.guessing[0] is not splits.train):
            splits = splits or own_data.load(self.cards)
            self.guessing = splits.train, Guesser(self.learnt(splits))
        return self.guessing[1]

    def written(self, example: Example, answer: dict[str, Any]) -> str:
        """An answer as the model writes it: in words, or as a plan."""
        if not (self.plans and cards_of(example)):
            return answer["text"]
        return (
            plans.handing_over(answer.get("missing", ""))
            if answer["hand_over"]
            else plans.plan(answer["text"], cards_of(example))
        )

    def read(self, example: Example, output: str) -> str:
        """What the customer reads."""
        if not (self.plans and cards_of(example)):
            return output
        things = self.guesser().things if self.guesses else plans.as_told
        return plans.answer(example, output, things)

    def gold(self, example: Example) -> str:
        return self.written(example, example.answer)

    def blank(self) -> str:
        return ""

    def score(self, example: Example, output: str) -> Scores:
        known = frozenset() if example.answer.get("free") else vocabulary()
        text = self.read(example, output)
        return scores(example.answer, cards_of(example), source_text(example), text, known)

    def floor(self, splits: Splits) -> Answerer:
        if self.own:
            return self.pipeline(splits)
        different = {example.answer["text"] for example in splits.train}
        if len(different) < LABELS_REPEAT * len(splits.train):
            return label_answers(splits.train)
        return NearestAnswer(splits.train)

    def pipeline(self, splits: Splits) -> Pipeline:
        """The pipeline, fitted once."""
        if self.fitted is None or self.fitted[0] is not splits.train:
            self.fitted = splits.train, Pipeline(self.learnt(splits), splits.val)
        return self.fitted[1]

    def learnt(self, splits: Splits) -> list[Example]:
        """Every message that the model learns an answer to and that stands by itself."""
        further = [more for example in splits.train for more in lessons.alone(example)] if self.own else []
        return [*splits.train, *further]

    def further_floors(self) -> Sequence[tuple[str, str, Callable[[Splits], Answerer]]]:
        nearest = (
            "nearest_answer",
            "nearest answer, values swapped",
            lambda s: NearestAnswer(self.learnt(s)),
        )
        template = (
            "intent_template",
            "TF-IDF intent + template",
            lambda s: first_values(self.pipeline(s)),
        )
        return (template, nearest) if self.own else (nearest,)

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        if self.guesses and self.own:
            self.guesser(splits)
        row, whole = conversation(self.model_input(example), self.gold(example)), said(example)
        for message, answer, itself in lessons.further(example) if self.own else ():
            whole = message if itself else whole
            asked = self.guessed(example, message, whole) if self.plans else message
            told = {"role": "assistant", "content": self.written(example, answer)}
            row["completion"] += [{"role": "user", "content": asked}, told]
        return [row]

    def template(self) -> str:
        return (plans.INSTRUCTION + MARK * self.guesses) if self.plans else INSTRUCTION

    def ask(self, question: str, source: Path | None, model: Generate) -> str:
        inputs = {"cards": [read_card(source)], "turns": [{"role": "user", "content": question}]}
        example = Example("asked", "asked", inputs, None)
        return self.read(example, model([self.model_input(example)])[0])

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        if not self.plans:
            return report(splits, models, self.score)
        read = {
            name: {"test": [self.read(e, text) for e, text in zip(splits.test, found["test"], strict=True)]}
            for name, found in models.items()
            if "test" in found
        }
        return report(splits, read, self.score)


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
