"""Time and memory of the data doctor on generated rows: python benchmarks/doctor_speed.py 1000000

In every fifty rows one repeats the row before it, and one in another split differs from it by a letter.
"""

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from common import doctor, samples
from common.models import keep_quiet

STEMS = "pump valve motor belt gear shaft seal oil water line shop noise heat crack loose old new red".split()
WORDS = [f"{stem}{number}" for stem in STEMS for number in range(100)]
SPLITS = ("train", "train", "train", "val", "test")


def write(path: Path, rows: int) -> None:
    """Rows with two texts that stand twice in every fifty."""
    draw, text = random.Random(0), ""
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            new = " ".join(draw.choices(WORDS, k=14))
            text = {7: text, 9: f"{text[:20]}x{text[21:]}"}.get(row % 50, new)
            made = {"text": text, "label": "abcd"[row // 10 % 4], "split": SPLITS[row % 5]}
            file.write(json.dumps(made) + "\n")


def main(rows: int) -> None:
    """Prints what was found of what was planted, and what it took."""
    keep_quiet(online=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write(path, rows)
        started = time.perf_counter(), time.process_time()
        findings = {finding.title: finding for finding in doctor.examine(*samples.of_file(path))}
    wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for title in ("exact duplicates", "leaks between splits"):
        print(f"{title}: {findings[title].count:,} found, {rows // 50:,} planted")
    print(
        f"{rows:,} rows: {processor:.0f} s of one core ({wall:.0f} s by the clock), {peak:,.0f} MiB at most"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
