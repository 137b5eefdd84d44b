"""Reads a person's contracts: CUAD's JSON, or rows with the columns `text` and `label`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.data import split_by_group
from common.errors import FaultsError
from common.examples import read_examples
from common.usecase import Example, Source, Splits

SHORTEST_CLAUSE = 20  # letters; CUAD also marks bare dates and names
CUAD_SOURCE = Source("CUAD", "CC BY 4.0", "The Atticus Project, atticusprojectai.org/cuad")


def read_contracts(path: Path) -> Splits:
    """Splits by contract. A `.json` file is read as CUAD, anything else as rows."""
    if path.suffix.lower() != ".json":
        return read_examples(path, "text", "label")
    faults: list[str] = []
    examples = list(cuad_clauses(parsed(path, faults), faults))
    if not examples and not faults:
        faults.append(f"{path.name}: no answer with at least {SHORTEST_CLAUSE} letters in it")
    if faults:
        raise FaultsError(f"The data in {path}", faults, "Nothing was run. Mend the file and run again.")
    made = split_by_group(examples)
    return Splits(made.train, made.val, made.test, source=CUAD_SOURCE)


def parsed(path: Path, faults: list[str]) -> list[dict[str, Any]]:
    """The contracts of a file in the form of SQuAD, which CUAD has."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        faults.append(f"{path}: not CUAD's JSON with a `data` list: {type(error).__name__}: {error}")
        return []
    return found if isinstance(found, list) else []


def cuad_clauses(contracts: list[dict[str, Any]], faults: list[str]) -> Iterator[Example]:
    """One example per marked clause; a clause that is marked twice keeps its first category."""
    for number, contract in enumerate(contracts, start=1):
        seen: set[str] = set()
        try:
            for paragraph in contract["paragraphs"]:
                for asked in paragraph["qas"]:
                    category = asked["id"].rpartition("__")[2].lower().replace(" ", "_")
                    for answer in asked["answers"]:
                        text = " ".join(answer["text"].split())
                        if len(text) >= SHORTEST_CLAUSE and text not in seen:
                            seen.add(text)
                            name = f"contract-{number}-{len(seen)}"
                            yield Example(name, str(contract["title"]), text, category, category)
        except (KeyError, TypeError, AttributeError) as error:
            faults.append(
                f"contract {number}: {type(error).__name__}: {error} is missing or has another form"
            )
