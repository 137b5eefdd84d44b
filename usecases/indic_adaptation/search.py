"""The search track: a sentence in Hinglish finds its English original among many others."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from common.data import by_hash
from common.embedded import neutral_text
from common.errors import GalleryError
from common.ranking import RankingCase
from common.retrieval import sentences
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation import commands, hinglish, xquad
from usecases.indic_adaptation.track import Track

SHOWN = 5
COLLECTIONS = {"hinglish-top": hinglish.search_splits, "xquad": xquad.search_splits}


class FindEnglish(Track, RankingCase):
    """Queries typed in Hindi with Roman letters, documents in English, a real pretrained encoder."""

    title = "Indic languages: Hinglish in, English found"
    story = (
        "People type Hindi in Roman letters and mix it with English, each in a spelling of their own; "
        "the documents are in English, and the off-the-shelf encoder has never been told that both "
        "mean the same."
    )
    source: ClassVar[Source] = commands.SOURCE
    limits = (
        "For Hinglish in Roman letters against English. Not for text in Devanagari or another Indic "
        "script: the tokenizer of this encoder drops vowel signs without a word (see the fertility "
        "table), so what it would need to read never reaches it."
    )

    def __init__(self, collection: str = "hinglish-top", replay: float = 0.0) -> None:
        if collection not in COLLECTIONS:
            raise GalleryError(
                f"task.collection is {collection!r}; these can be read: {', '.join(COLLECTIONS)}."
            )
        self.collection, self.replay = collection, replay

    def load(self, data: Path | None) -> Splits:
        found = commands.search_splits() if data is None else COLLECTIONS[self.collection](data)
        return replace(found, train=(*found.train, *english_queries(found, self.replay)))

    def neutral(self) -> Splits:
        return english_prose()

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        found = model.search(question, SHOWN)
        pairs = zip(found.ids, found.scores, strict=True)
        return "\n".join(f"{score:.2f}  {model.documents[i]}" for i, score in pairs)


def english_queries(splits: Splits, share: float) -> list[Example]:
    """English documents of train that are asked for in their own words, so that English is not unlearnt."""
    groups = {identifier: example.group for example in splits.train for identifier in example.answer}
    asked = by_hash(
        Example(f"{identifier}-english", group, splits.documents[identifier], (identifier,), "English")
        for identifier, group in groups.items()
    )
    return asked[: round(share * len(asked))]


def english_prose() -> Splits:
    """Plain English, to see what tuning unlearns: every second sentence finds the others of its paragraph."""
    documents, test = {}, []
    for place, paragraph in enumerate(neutral_text()):
        found = sentences(paragraph)
        names = {f"{place}-{number}": text for number, text in enumerate(found[1::2])}
        documents |= names
        test += [
            Example(f"asked-{place}-{number}", str(place), text, tuple(names))
            for number, text in enumerate(found[::2])
        ]
    return Splits((), (), tuple(test), documents=documents)
