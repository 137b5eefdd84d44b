"""Indic adaptation: romanised Hindi, code-mixed commands, and what each language costs in tokens."""

from collections.abc import Mapping
from typing import Any

from common.errors import GalleryError
from common.usecase import UseCase
from usecases.indic_adaptation.search import FindEnglish
from usecases.indic_adaptation.transliteration import WriteDevanagari
from usecases.indic_adaptation.understand import UnderstandCommands

TRACKS = {"search": FindEnglish, "words": WriteDevanagari, "commands": UnderstandCommands}


class IndicAdaptation(FindEnglish):
    """The search track, unless the `task` table of a variant names another one."""

    def configured(self, task: Mapping[str, Any]) -> UseCase:
        """The track that a variant names, with its switches."""
        if not task:
            return self
        named = dict(task)
        track = named.pop("track", "")
        if track not in TRACKS:
            raise GalleryError(f"task.track is {track!r}; these exist: {', '.join(TRACKS)}.")
        try:
            return TRACKS[track](**named)
        except TypeError as error:
            raise GalleryError(f"The task settings {named} do not fit track {track!r}: {error}") from error


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
