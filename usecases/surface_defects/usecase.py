"""Surface defects: is this part bad, what is wrong with it, and what to do at a stated cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import GalleryError
from common.pictures import BadPicture, Picture, picture_of, read_pixels
from common.usecase import Answerer, Columns, Example, Scores, Source, Splits, Table, UseCase
from usecases.surface_defects.scoring import GOOD, Lazy, action, picture_scores


class SurfaceDefects(UseCase):
    """Pictures of parts, and the defect that stands on them."""

    title = "Surface defects: fine-tuning for inspection images"
    story = (
        "Pictures of parts from a line: dust, glare and marks are harmless, a faint scratch is not. Say "
        "which part is bad, what is wrong with it, where, and whether to pass, inspect or scrap it."
    )
    tuner = "vision"
    headline = "auroc"
    floor_label = "texture measurements, boosted trees"
    source = Source("Made-up surfaces", "Apache-2.0", "drawn by this use case from a seed")
    limits = (
        "For pictures of one kind of part or module under steady conditions, in greys. Scores on drawn "
        "surfaces say how methods compare, not what they reach on a real line. Have a person look where the "
        "advice is `inspect`, under new light, and at defects that nobody labelled."
    )
    margin = 0.01
    good = GOOD

    def configured(self, task: Mapping[str, Any]) -> UseCase:
        if not task:
            return self
        if dict(task) != {"answer": "json"}:
            raise GalleryError(
                f"{self.name} knows the task setting answer = 'json' only, found {dict(task)}."
            )
        from usecases.surface_defects.written import WrittenReports

        return WrittenReports()

    def load(self, data: Path | None) -> Splits:
        if data is None:
            from usecases.surface_defects.data import generate

            self.good = GOOD
            return generate(self.source)
        from usecases.surface_defects.folder import read_folder

        splits, self.good = read_folder(data)
        return splits

    def model_input(self, example: Example) -> Picture:
        return example.inputs

    def gold(self, example: Example) -> dict[str, Any]:
        sure = {self.good: float(example.answer == self.good), example.answer: 1.0}
        return {"label": example.answer, "scores": sure}

    def blank(self) -> dict[str, Any]:
        return {"label": "", "scores": {}}

    def score(self, example: Example, output: dict[str, Any]) -> Scores:
        return picture_scores(self.good, example.answer, output)

    def aggregate(self, columns: Columns) -> Lazy:
        return Lazy(columns)

    def floor(self, splits: Splits) -> Answerer:
        from usecases.surface_defects.floor import trees

        def answer(examples: Sequence[Example]) -> list[Any]:
            labels, (val, scores) = trees(splits.train, (splits.val, examples))
            return self.settle(labels, splits.val, val, scores)

        return answer

    def settle(
        self, labels: Sequence[str], val: Sequence[Example], val_scores: np.ndarray, scores: np.ndarray
    ) -> list[Any]:
        from usecases.surface_defects.settle import settled

        return settled(self.good, labels, val, val_scores, scores)

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        return [{"image": example.inputs, "label": example.answer}]

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        if source is None or not source.is_file():
            raise GalleryError(f"Asked about {source or 'no picture'}: give a picture with --db FILE.")
        try:
            pixels, changes = read_pixels(source)
        except BadPicture as error:
            raise GalleryError(f"{source} cannot be judged: {error}.") from error
        answer = model([picture_of(pixels)])[0]
        defect = 1 - answer["scores"][self.good]
        said = f"{answer['label']}; bad with probability {defect:.2f}; advice: {action(defect)}"
        return "; ".join((said, *changes))

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        from usecases.surface_defects import report

        return report.tables(self, splits, models)

    def pictures(self, splits: Splits, models: Mapping[str, Any]) -> list[tuple[str, str]]:
        from usecases.surface_defects import figures

        return figures.pictures(self, splits, models)


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
