"""What a row of the benchmark takes over from an earlier one: what does not depend on how the two differ."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common.config import PREFERENCE, RunConfig
from common.methods import learning_rate

# How preferences are learnt is no part of the model that they start from, nor of its plain rival.
OF_PREFERENCES = frozenset(
    "variant about loss beta sft_weight own_answers displacement_limit rollouts".split()
)
AFTER_THE_START = OF_PREFERENCES | {"epochs", "learning_rate", "samples", "preferences", "judge_share"}


def parts(tuner: str) -> dict[str, frozenset[str]]:
    """Names in a run folder, and the settings that have no part in what stands there."""
    if tuner not in PREFERENCE:
        return {"baselines": frozenset(["method"])}
    found = {"start-*": AFTER_THE_START, "chosen-*": OF_PREFERENCES, "baselines": OF_PREFERENCES}
    return {name: apart | {"method"} for name, apart in found.items()}


def basis(config: RunConfig, apart: frozenset[str]) -> tuple[Any, ...]:
    """What a part depends on. The plain rival learns at the rate of the method too, and a base in 4 bits
    answers otherwise."""
    settings = config.model_copy(update={"learning_rate": learning_rate(config)})
    rest = (settings if config.tuner in PREFERENCE else config).model_dump(mode="json", exclude=set(apart))
    return config.usecase, rest, config.method == "qlora"


def shared(lender: RunConfig, borrower: RunConfig, here: Path) -> list[str]:
    """Names of what both rows would make alike and the second, whose folder is `here`, has not yet."""
    return [
        pattern
        for pattern, apart in parts(borrower.tuner).items()
        if lender.tuner == borrower.tuner and basis(lender, apart) == basis(borrower, apart)
        if not any(here.glob(pattern))
    ]


def lend(patterns: Iterable[str], there: Path, here: Path) -> list[str]:
    """Copies what one row has under these names; gives what that was."""
    found = [part for pattern in patterns for part in sorted(there.glob(pattern))]
    for part in found:
        shutil.copytree(part, here / part.name)
    return [part.name for part in found]
