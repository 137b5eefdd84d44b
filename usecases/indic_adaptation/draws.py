"""A short name for a text that never changes between machines or runs."""

import hashlib


def name_of(key: str) -> str:
    """The name."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]
