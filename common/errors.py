"""The errors a person is meant to read: what was asked, what was found, what to do."""

from collections.abc import Sequence

EXIT_BAD_INPUT = 2
SHOWN_FAULTS = 20


class GalleryError(Exception):
    """Something the person can mend. The command line prints it and exits with code 2."""


class TrainingFailed(GalleryError):
    """A training that ended without weights worth keeping; it becomes a record of that status."""

    def __init__(self, status: str, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class FaultsError(GalleryError):
    """Several faults found in one pass, printed together."""

    def __init__(self, asked: str, faults: Sequence[str], advice: str) -> None:
        self.faults = list(faults)
        shown = [f"  - {fault}" for fault in self.faults[:SHOWN_FAULTS]]
        if len(self.faults) > SHOWN_FAULTS:
            shown.append(f"  ... and {len(self.faults) - SHOWN_FAULTS} more")
        super().__init__("\n".join([f"{asked}: {len(self.faults)} fault(s)", *shown, advice]))
