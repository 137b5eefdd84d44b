"""What comes from the hub: one commit, only files that are read, weights held against the hub's hashes."""

import hashlib
import re
from pathlib import Path

from common.errors import GalleryError

READ = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
OTHER_FORMATS = ["onnx/*", "openvino/*", "original/*", "consolidated*"]
SHA256 = re.compile(r"[0-9a-f]{64}")


def fetched(name: str, revision: str, inside: str | None = None) -> Path:
    """The folder of a hub model at one commit; what the cache holds already is not loaded again.

    With `inside` it is a data set: its card, and what of its files lies there; empty for all.
    """
    from huggingface_hub import errors, snapshot_download

    kind, place, read, unread = "model", name, READ, OTHER_FORMATS
    if inside is not None:
        kind, place = "dataset", f"datasets/{name}"
        read, unread = [f"{inside}*", "README.md"], ["*.py", "*.bin", "*.pkl"]
    try:
        found = snapshot_download(
            name, repo_type=kind, revision=revision, allow_patterns=read, ignore_patterns=unread
        )
    except errors.GatedRepoError as error:
        raise GalleryError(
            f"{name} is gated: accept its licence at https://huggingface.co/{place}, make a read token at "
            "https://huggingface.co/settings/tokens, run `hf auth login` or set HF_TOKEN, and run again."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise GalleryError(
            f"The hub has no {kind} {name} at revision {revision!r}, or it is private and HF_TOKEN opens it "
            "not. Check the spelling and the commit."
        ) from error
    except (errors.HTTPError, OSError) as error:
        raise GalleryError(
            f"{name} at {revision!r} is not wholly in the local cache, and the hub did not give it "
            f"({type(error).__name__}: {str(error).strip().splitlines()[0][:200]}). Check the network and "
            "HF_HUB_OFFLINE, and run again: what has come stays, and the rest follows."
        ) from error
    folder = Path(found)
    refuse_broken(name, sorted(folder.rglob("*.safetensors")))
    return folder


def refuse_broken(model: str, weights: list[Path]) -> None:
    """Compares weights with the hash that the hub gave, which the cache keeps as a file's name."""
    for link in weights:
        blob = link.resolve()
        if not SHA256.fullmatch(blob.name):
            continue
        with blob.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != blob.name:
            blob.unlink()
            link.unlink()
            raise GalleryError(
                f"{link.name} of {model} does not have the hash that the hub states: {blob.name[:16]} was "
                f"promised, {found[:16]} has come. It is removed; run again to load it anew."
            )
