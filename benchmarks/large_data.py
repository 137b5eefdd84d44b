"""Very large files: speed and memory of reading one, and training from a file beside training from memory.

python benchmarks/large_data.py [ROWS] [LEARNT]
"""

import random
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from common import config, large, models, usecase
from common.job import Job
from common.models import keep_quiet
from common.rows import Rows
from common.tuners import sft
from common.usecase import Splits, UseCase

ROWS, LEARNT, ROUNDS = 5_000_000, 2_000, 3
THINGS = "refund parcel invoice password voucher delivery order account address warranty".split()
STATES = "lost late broken wrong missing changed cancelled doubled blocked expired".split()
SYLLABLES = "ka lo mi ne ru ta vo zi be da fo gu lan mer tor vin sel rok pal dun gar hix".split()


def generate(path: Path, count: int) -> None:
    """Short conversations, no two alike, about 190 bytes each."""
    draw = random.Random(0)
    words = [one + two for one in SYLLABLES for two in SYLLABLES]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            thing, state = draw.choice(THINGS), draw.choice(STATES)
            said = " ".join(draw.choices(words, k=draw.randint(4, 14)))
            file.write(
                f'{{"prompt": "My {thing} {number} is {state}: {said}, what now?", "completion": '
                f'"We look into your {thing} {number} that is {state}; reference {draw.choice(words)}."}}\n'
            )


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000


def read(case: UseCase, path: Path, count: int) -> Splits:
    """Reads the file with every check and says what that took."""
    before, started = peak_megabytes(), time.perf_counter()
    splits = case.load(path)
    seconds = time.perf_counter() - started
    print(
        f"read {count:,} rows ({path.stat().st_size / 1e6:,.0f} MB): {seconds:.0f} s, {count / seconds:,.0f} "
        f"rows a second, {peak_megabytes() - before:,.0f} MB more memory at the peak, "
        f"{len(splits.train):,} to train on"
    )
    return splits


def tokens_a_second(case: UseCase, splits: Splits, folder: Path) -> float:
    """Speed of training on some splits."""
    settings = config.build(case, "offline", {"task": {}, "epochs": 1, "rehearsal": 0, "batch_size": 16})
    base = models.resolve("embedded", None, "sft")
    return sft.fit(Job(case, replace(splits, val=()), settings, base, 0, folder))["tokens_per_second"]


def main(count: int, learnt: int) -> None:
    keep_quiet(online=False)
    case = usecase.find("support_chatbot")
    large.LARGE_BYTES = 0
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.jsonl"
        generate(path, count)
        splits = read(case, path, count)
        assert isinstance(splits.train, Rows)
        step = max(1, len(splits.train) // learnt)
        spread = splits.train.some(range(0, len(splits.train), step))  # from all over the file
        sides = {"file": replace(splits, train=spread), "memory": replace(splits, train=spread[:])}
        ratios = []
        for number in range(ROUNDS):
            speed = {n: tokens_a_second(case, s, Path(place) / f"{n}-{number}") for n, s in sides.items()}
            ratios.append(speed["file"] / speed["memory"])
        print(
            f"training on {len(spread):,} rows, speed from the file as a share of that from memory: median "
            f" {statistics.median(ratios):.2f} of {ROUNDS} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main(*[int(one) for one in sys.argv[1:]] or [ROWS, LEARNT])
