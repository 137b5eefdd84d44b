"""The only importer of TRL: its names move with every minor release, ours stay."""

from typing import Any

from common.chat import Encoded


def sft_trainer(
    model: Any, tokenizer: Any, rows: list[Encoded], arguments: dict[str, Any], callbacks: list[Any]
) -> Any:
    """A supervised trainer over rows that are tokens already, with loss on the answers only."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    packed = not arguments["use_cpu"]
    config = SFTConfig(
        **arguments,
        max_length=max(len(row.input_ids) for row in rows),
        # Packing needs variable-length attention to pay; on a CPU like lengths share a batch instead.
        packing=packed,
        train_sampling_strategy="random" if packed else "group_by_length",
        activation_checkpointing=False,
        dataset_num_proc=None,
    )
    dataset = Dataset.from_list([{"input_ids": r.input_ids, "labels": r.labels} for r in rows])
    return SFTTrainer(
        model=model, processing_class=tokenizer, args=config, train_dataset=dataset, callbacks=callbacks
    )
