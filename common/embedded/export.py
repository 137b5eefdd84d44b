"""Put a grown model in its place: `python -m common.embedded.export GROWN_FOLDER`.

Weights become fp16 safetensors; the manifest records size and hash of every file.
"""

import argparse
import json
from pathlib import Path

from . import MANIFEST, TEXT_MODEL_FOLDER, file_hash

MOST_BYTES = 24_000_000


def write_manifest(folder: Path, manifest: Path) -> None:
    """Record size and hash of every file of a folder."""
    entries = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in sorted(folder.iterdir())
    }
    total = sum(entry["bytes"] for entry in entries.values())
    if total > MOST_BYTES:
        raise SystemExit(f"{folder} holds {total} bytes, more than {MOST_BYTES}: grow a smaller one")
    manifest.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def export(grown: Path, folder: Path, manifest: Path) -> None:
    """Store a grown model in fp16 with its tokenizer."""
    import torch
    from transformers import LlamaForCausalLM

    from .tokenizer import load

    model = LlamaForCausalLM.from_pretrained(str(grown), dtype=torch.float32)
    model.generation_config.do_sample = False
    model.half().save_pretrained(folder)
    load(grown).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    write_manifest(folder, manifest)


def main() -> None:
    """Read the options and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grown", type=Path, help="folder with the model, as written by grow")
    export(parser.parse_args().grown, TEXT_MODEL_FOLDER, MANIFEST)


if __name__ == "__main__":
    main()
