"""`gallery new`: the few files of a use case that already holds the contract, to be filled."""

import keyword
import re
from pathlib import Path

from common import record, usecase
from common.errors import GalleryError

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 40


def kinds() -> list[str]:
    """The tuners that have a template."""
    return sorted(path.parent.name for path in TEMPLATES.glob("*/usecase.py"))


def template_for(like: str) -> Path:
    """The template of a tuner, named by itself or by a use case that runs it."""
    tuner = like if like in kinds() else usecase.find(like).tuner
    if tuner not in kinds():
        raise GalleryError(
            f"{like} runs the {tuner} tuner, which has no template; these have: {', '.join(kinds())}. "
            f"Copy usecases/{like} by hand, or name one of these."
        )
    return TEMPLATES / tuner


def create(name: str, like: str, root: Path = usecase.USECASES_FOLDER) -> list[Path]:
    """Writes the files of a new use case and names them."""
    refuse_bad_name(name, root)
    template = template_for(like)
    words = name.split("_")
    renamed = {
        "my_usecase": name,
        "MyUsecase": "".join(word.capitalize() for word in words),
        "My usecase": " ".join(words).capitalize(),
    }
    made = []
    for path in sorted(
        path for path in template.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ):
        text = path.read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = text.replace(old, new)
        made.append(root / name / path.relative_to(template))
        record.write_text(made[-1], text)
    return made


def refuse_bad_name(name: str, root: Path) -> None:
    """A name must be a Python module's, and free."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > LONGEST_NAME:
        raise GalleryError(
            f"{name!r} cannot name a use case: give small letters, digits and single underscores, a letter "
            f"first, at most {LONGEST_NAME}, such as invoice_routing."
        )
    if (root / name).exists():
        raise GalleryError(f"{root / name} exists already. Choose another name, or remove that folder first.")
