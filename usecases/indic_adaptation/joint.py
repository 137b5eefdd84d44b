"""A joint n-gram model of spelling, learnt by counting alone: no network, seconds to train.

Words are aligned by expectation maximisation, each Roman letter with the native characters that it
writes (none, or up to three). An n-gram model with Kneser-Ney discounts over such pairs then knows
which pair follows which, and a beam finds the best word.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

LONGEST_CHUNK = 3
ROUNDS = 6
ALIGNED_PAIRS = 6000
ORDER = 6
DISCOUNT = 0.75
BEAM = 12
START, END = "^", "$"
Pair = tuple[str, str]
Costs = dict[Pair, float]


def chunks(native: str, place: int) -> Iterable[str]:
    """What one letter may write from a place on: nothing, or the next characters."""
    return (native[place : place + size] for size in range(LONGEST_CHUNK + 1) if place + size <= len(native))


def expected_counts(roman: str, native: str, chance: Costs, counts: Counter[Pair]) -> None:
    """Adds how often each pair is used, over every way to align one word."""
    rows, columns = len(roman) + 1, len(native) + 1
    ahead = [[0.0] * columns for _ in range(rows)]
    ahead[0][0] = 1.0
    steps = []
    for row, letter in enumerate(roman):
        for column in range(columns):
            if ahead[row][column]:
                for chunk in chunks(native, column):
                    step = ahead[row][column] * chance.get((letter, chunk), 1e-9)
                    ahead[row + 1][column + len(chunk)] += step
                    steps.append((row, column, letter, chunk))
    total = ahead[-1][-1]
    if not total:
        return
    behind = [[0.0] * columns for _ in range(rows)]
    behind[-1][-1] = 1.0
    for row, column, letter, chunk in reversed(steps):
        onward = chance.get((letter, chunk), 1e-9) * behind[row + 1][column + len(chunk)]
        behind[row][column] += onward
        if onward:
            counts[letter, chunk] += ahead[row][column] * onward / total


def learn_pairs(words: Sequence[Pair]) -> Costs:
    """The chance of each pair of a letter and what it writes."""
    chance: Costs = {}
    for roman, native in words:
        chance |= {(a, c): 1.0 for a in roman for p in range(len(native)) for c in (*chunks(native, p), "")}
    for _ in range(ROUNDS):
        counts: Counter[Pair] = Counter()
        for roman, native in words:
            expected_counts(roman, native, chance, counts)
        total = sum(counts.values())
        chance = {pair: count / total for pair, count in counts.items() if count > 1e-6}
    return chance


def align(roman: str, native: str, chance: Costs) -> list[Pair] | None:
    """The likeliest alignment of one word, or None where the native word is too long."""
    best: dict[int, tuple[float, list[Pair]]] = {0: (0.0, [])}
    for letter in roman:
        reached: dict[int, tuple[float, list[Pair]]] = {}
        for place, (cost, path) in best.items():
            for chunk in chunks(native, place):
                step = cost - math.log(chance.get((letter, chunk), 1e-9))
                end = place + len(chunk)
                if end not in reached or step < reached[end][0]:
                    reached[end] = (step, [*path, (letter, chunk)])
        best = reached
    return best[len(native)][1] if len(native) in best else None


class JointModel:
    """Writes Roman words in another script."""

    def __init__(self, words: Sequence[Pair], seed: int = 0) -> None:
        words = [(roman, native) for roman, native in words if roman and native]
        sample = random.Random(seed).sample(words, min(ALIGNED_PAIRS, len(words)))
        chance = learn_pairs(sample)
        paths = [path for path in (align(*word, chance) for word in words) if path]
        units = sorted({unit for path in paths for unit in path})
        self.symbol = {unit: chr(0xE000 + place) for place, unit in enumerate([*units, (END, "")])}
        self.chunk = {symbol: unit[1] for unit, symbol in self.symbol.items()}
        self.count(["".join(self.symbol[u] for u in path) + self.symbol[END, ""] for path in paths])
        self.by_letter: dict[str, list[str]] = defaultdict(list)
        for (letter, _), symbol in self.symbol.items():
            if self.lowest.get(symbol, 0.0) > 0:
                self.by_letter[letter].append(symbol)
        self.known: dict[tuple[str, str], dict[str, float]] = {}
        self.found: dict[str, list[tuple[str, float]]] = {}

    def count(self, texts: Iterable[str]) -> None:
        """Counts of the highest order; below it, how many ways each continues."""
        follow: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            padded = START * (ORDER - 1) + text
            for place in range(ORDER - 1, len(padded)):
                follow[padded[place - ORDER + 1 : place]][padded[place]] += 1
        level = follow
        for _ in range(ORDER - 1):
            shorter: dict[str, Counter[str]] = defaultdict(Counter)
            for context, nexts in level.items():
                for symbol in nexts:
                    shorter[context[1:]][symbol] += 1
            follow, level = {**follow, **shorter}, shorter
        self.follow = {context: (nexts, sum(nexts.values())) for context, nexts in follow.items()}
        whole, total = self.follow[""]
        self.lowest = {symbol: count / total for symbol, count in whole.items()}

    def chances(self, context: str, letter: str) -> dict[str, float]:
        """The chance of each unit of a letter after a context, longer contexts over shorter ones."""
        key = (context, letter)
        if key in self.known:
            return self.known[key]
        if not context:
            found = {symbol: self.lowest[symbol] for symbol in self.by_letter[letter]}
        else:
            found = self.chances(context[1:], letter)
            if context in self.follow:
                nexts, total = self.follow[context]
                kept = DISCOUNT * len(nexts) / total
                found = {s: max(nexts.get(s, 0) - DISCOUNT, 0.0) / total + kept * p for s, p in found.items()}
        self.known[key] = found
        return found

    def best(self, roman: str, count: int = 1) -> list[tuple[str, float]]:
        """The likeliest native words with their log chances, best first, at most a beam of them."""
        if roman not in self.found:
            self.found[roman] = self.search(roman)
        return self.found[roman][:count]

    def search(self, roman: str) -> list[tuple[str, float]]:
        """A beam search over the units of the letters; letters that were never seen write nothing."""
        states: dict[tuple[str, str], float] = {(START * (ORDER - 1), ""): 0.0}
        for letter in [*roman, END]:
            if letter not in self.by_letter:
                continue
            reached: dict[tuple[str, str], float] = {}
            for (context, text), score in states.items():
                for symbol, chance in self.chances(context, letter).items():
                    if chance > 0:
                        state = ((context + symbol)[1:], text + self.chunk[symbol])
                        value = score + math.log(chance)
                        if value > reached.get(state, -math.inf):
                            reached[state] = value
            states = dict(sorted(reached.items(), key=lambda item: -item[1])[:BEAM])
        totals: dict[str, float] = {}
        for (_, text), score in states.items():
            totals[text] = max(totals.get(text, -math.inf), score)
        return sorted(totals.items(), key=lambda item: -item[1])
