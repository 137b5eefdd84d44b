"""A page from one of the templates beside this file; everything that is put into it is escaped."""

from pathlib import Path
from typing import Any


def render(template: str, **values: Any) -> str:
    """The page as text."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return environment.get_template(f"{template}.html.jinja").render(**values)
