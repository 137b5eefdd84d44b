"""One process of a run that tests start with accelerate; it may die at a step, as machines do."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common.models import keep_quiet  # noqa: E402

keep_quiet(online=False)

from transformers import TrainerCallback  # noqa: E402

from common import config, launch, run, trainer, usecase  # noqa: E402


class Die(TrainerCallback):
    """Kills the second process at a step, after the checkpoint of the step before."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == int(os.environ["DIE_AT"]) and launch.place() == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class Shards(TrainerCallback):
    """Says what part of its weights this process holds."""

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        here = sum(weight.to_local().numel() for weight in model.parameters())
        whole = sum(weight.numel() for weight in model.parameters())
        print(f"process {launch.place()} holds {here / whole:.2f} of the weights", flush=True)


def main(folder: str, out: str, model: str) -> None:
    trainer.LOGS_PER_RUN = 1000
    if "DIE_AT" in os.environ:
        trainer.SECONDS_BETWEEN_CHECKPOINTS, trainer.LARGEST_SHARE_SAVING = 0.0, 1e9
        trainer.Allocate = Die
    if "SHARDED" in os.environ:
        from tests.fsdp_on_cpu import allow

        allow()
        trainer.Allocate = Shards
    found = usecase.load_class(Path(folder) / "usecase.py")()
    run.execute(found, config.build(found, "offline", {"model": model}), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
