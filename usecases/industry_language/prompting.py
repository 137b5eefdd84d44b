"""How a note is put to the model: who reads it, the glossary lines that apply, and the note."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import GalleryError
from common.usecase import Example
from usecases.industry_language.choices import NOTE
from usecases.industry_language.floor import learnt_glossary
from usecases.industry_language.matching import mentions
from usecases.industry_language.own_lines import SIDES, last_part
from usecases.industry_language.terms import (
    DOMAINS,
    ONLY_HERE,
    PROFESSIONAL,
    PUBLIC,
    domains,
    forms_of,
    retrieved,
)

Message = dict[str, str]
LINES_SHOWN = 3
RIGHT_SHARE = 2 / 3
FULL = (
    "Write this {domain} note for the {reader}: professional terms for people of the field, plain words for "
    "everyone else. Leave words alone that mean something else here, and change nothing more. "
    "Answer with the note only."
)


def messages(inputs: Mapping[str, Any], choices: bool = False) -> list[Message]:
    """One user turn; a person's own data brings its prompt along."""
    glossary = [f"Glossary: {line}" for line in inputs.get("glossary", ())]
    if "prompt" in inputs:
        given = inputs["prompt"]
        turns = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        if choices:
            glossary = [for_reader(line, SIDES, SIDES[PROFESSIONAL]) for line in inputs["lines"]]
        last = {**turns[-1], "content": "\n".join([*glossary, turns[-1]["content"]])}
        return [*turns[:-1], last]
    if choices:
        readers = domains()[inputs["domain"]].readers
        lines = [for_reader(line, readers, inputs["reader"]) for line in inputs["glossary"]]
        shown = [*lines, inputs["text"], f"Reader: {inputs['reader']}"]
    else:
        shown = [FULL.format(**inputs), *glossary, inputs["text"]]
    return [{"role": "user", "content": "\n".join(shown)}]


def for_reader(line: str, readers: Mapping[str, str], reader: str) -> str:
    """A glossary line as the words for either reader, those for the one who reads this note first.

    Where the word has other senses, the note is named as a third place to take the words from.
    """
    words = forms_of(line)
    entries = [f"{readers[style]}: {words[style]}" for style in (PROFESSIONAL, PUBLIC)]
    said = "; ".join(entries if reader == readers[PROFESSIONAL] else entries[::-1])
    return f"{said}; {NOTE}" if line.endswith(ONLY_HERE) else said


def said(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def with_glossary(inputs: Mapping[str, Any], train: Sequence[Example]) -> dict[str, Any]:
    """The same note with the lines of the glossary that it touches."""
    if "prompt" not in inputs:
        return {**inputs, "glossary": retrieved(inputs["text"], inputs["domain"])}
    text = last_part(inputs["prompt"])
    found = [f"{new}, not {old}" for old, new in learnt_glossary(train) if mentions(text, old)]
    return {**inputs, "glossary": found[:LINES_SHOWN]}


def most_alike(example: Example, train: Sequence[Example]) -> Example:
    """The training note with a glossary line, for the same reader, that shares the most words."""
    words, reader = asked_words(example), example.inputs.get("reader")
    known = [e for e in train if lines_of(e) and e.inputs.get("reader") == reader] or train
    return max(known, key=lambda e: len(words & asked_words(e)))


def lines_of(example: Example) -> Sequence[str]:
    return example.inputs.get("glossary") or example.inputs.get("lines", ())


def asked_words(example: Example) -> set[str]:
    inputs = example.inputs
    return set((inputs["text"] if "text" in inputs else last_part(inputs["prompt"])).split())


def mixed_style(example: Example) -> str:
    """What the house's writers wrote before anyone preferred anything: right two times in three.

    The supervised stage learns to rewrite from it, and half-heartedly for whom.
    """
    if "prompt" in example.inputs:
        return example.answer["text"]
    drawn = random.Random(f"{example.id}-start").random()
    return example.answer["text"] if drawn < RIGHT_SHARE else example.extra["swapped"]


def asked(question: str) -> dict[str, Any]:
    """A person's own line `reader: note` as the inputs of an example."""
    reader, _, text = question.partition(":")
    for name in DOMAINS:
        if reader.strip() in domains()[name].readers.values():
            inputs = {"domain": name, "reader": reader.strip(), "text": text.strip()}
            return {**inputs, "glossary": retrieved(text, name)}
    readers = ", ".join(r for d in domains().values() for r in d.readers.values())
    raise GalleryError(
        f'Say who reads it, as in "clinician: The note." Readers: {readers}; found {reader!r}.'
    )
