"""A number for a key that never changes between machines or runs: what splits are made by."""

import hashlib


def share_of(key: str) -> float:
    """A number from 0 to 1, spread evenly over keys."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def name_of(key: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]
