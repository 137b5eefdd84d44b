"""A page on 127.0.0.1 to ask the base and the tuned model of a run the same thing, side by side.

It is a form and its answer: no script runs in it, nothing is kept, and nothing leaves the machine.
"""

import base64
import copy
import html
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from common import answering, contenders, pages
from common.errors import GalleryError
from common.job import Contender, Job
from common.models import TEXT_TUNERS
from common.pictures import Picture
from common.record import RunRecord
from common.serve import HOST, tuned_text
from common.usecase import Example, Splits, UseCase

EXAMPLES = 24
MOST_BYTES = 100_000
DOCUMENTS_SHOWN = 3
LINE = 80
UNTUNED = ("untuned", "zero_shot", "retrieval")  # the first that a tuner has
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'"
Ask = Callable[[Job, Example], str]


@dataclass
class Talk:
    """Both models of a run, and what they can be asked about."""

    job: Job
    row: RunRecord
    base: Contender
    tuned: Ask
    examples: dict[str, Example]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, example: Example, text: str) -> dict[str, str]:
        """What either model says to an example whose text may have been changed."""
        job = replace(self.job, usecase=rewritten(self.job.usecase, example, text))
        with self.lock:
            base = said(self.base.answer(job, (example,))[0].value, job.splits)
            found = {self.base.label: base, "tuned": self.tuned(job, example)}
        if text != text_of(self.job.usecase.model_input(example)):
            return found  # what completes a short answer knows the example's own words only
        return {name: self.job.usecase.read(example, answer) for name, answer in found.items()}


def talk(row: RunRecord, job: Job) -> Talk:
    """The models of a finished run, ready to be asked."""
    found = {contender.name: contender for contender in contenders.untuned(job.usecase)}
    base = next((found[name] for name in UNTUNED if name in found), None)
    if base is None:
        raise GalleryError(f"{job.usecase.name} has no untuned model that could stand beside the tuned one.")
    rows = job.splits.val or job.splits.test
    chosen = rows[:: max(1, len(rows) // EXAMPLES)][:EXAMPLES]
    return Talk(job, row, base, tuned_answer(job), {example.id: example for example in chosen})


def tuned_answer(job: Job) -> Ask:
    """The tuned model, loaded once."""
    if job.usecase.tuner in TEXT_TUNERS:
        loaded = tuned_text(job)

        def write(asked: Job, example: Example) -> str:
            prompts = [asked.usecase.model_input(example)]
            return answering.answers(asked, *loaded, (example,), prompts)[0].value

        return write
    tuner = contenders.tuner_of(job.usecase)
    if job.usecase.tuner == "embed":
        searcher = tuner.ask_model(job)

        def find(asked: Job, example: Example) -> str:
            ranking = searcher.search(asked.usecase.model_input(example), DOCUMENTS_SHOWN)
            return said(ranking.as_value(), asked.splits)

        return find
    return lambda asked, e: said(tuner.predict(asked, (e,))[0].value, asked.splits)


def rewritten(usecase: UseCase, example: Example, text: str) -> UseCase:
    """The use case with other words where the example's own stand, in the prompt and in the hinted one."""
    old = text_of(usecase.model_input(example))
    made = copy.copy(usecase)
    if old and text != old:
        prompts = usecase.model_input, usecase.hinted_input
        made.model_input = lambda e: changed(prompts[0](e), old, text)  # type: ignore[method-assign]
        made.hinted_input = lambda e, s: changed(prompts[1](e, s), old, text)  # type: ignore[method-assign]
    return made


def changed(prompt: Any, old: str, new: str) -> Any:
    """A prompt with other words in its last part."""
    if isinstance(prompt, str):
        return prompt.replace(old, new)
    return [*prompt[:-1], {**prompt[-1], "content": prompt[-1]["content"].replace(old, new)}]


def text_of(prompt: Any) -> str:
    """The part of a prompt that a person may change; a picture has none."""
    return "" if isinstance(prompt, Picture) else answering.text_of(prompt)


def before(prompt: Any) -> str:
    """What stands above that part."""
    messages = prompt[:-1] if isinstance(prompt, list) else ()
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def said(value: Any, splits: Splits) -> str:
    """A label with its share, the first documents of a ranking, or the text itself."""
    if isinstance(value, dict) and "ids" in value:
        shown = value["ids"][:DOCUMENTS_SHOWN]
        return "\n\n".join(f"{place}. {splits.documents.get(i, i)}" for place, i in enumerate(shown, 1))
    if isinstance(value, dict) and "label" in value:
        score = value.get("scores", {}).get(value["label"])
        return str(value["label"]) + (f" ({score:.2f})" if score is not None else "")
    return str(value)


def address_of(picture: Any) -> str:
    """A picture as a data address; empty for anything else."""
    if not isinstance(picture, Picture):
        return ""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture.pixels()).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def line_of(job: Job, example: Example) -> str:
    """An example in the list: the end of its text, where the question stands."""
    return (text_of(job.usecase.model_input(example)) or example.id)[-LINE:]


def expected(job: Job, example: Example) -> str:
    """What the data calls right, as people get it."""
    return said(job.usecase.read(example, job.usecase.gold(example)), job.splits)


def page(found: Talk, chosen: str, text: str | None) -> str:
    """The page of an example; with a text, also what both models answer to it."""
    example = found.examples.get(chosen) or next(iter(found.examples.values()))
    prompt = found.job.usecase.model_input(example)
    own = text_of(prompt)
    text = text.replace("\r\n", "\n") if text is not None else None
    return pages.render(
        "try",
        usecase=found.job.usecase,
        row=found.row,
        examples={name: line_of(found.job, e) for name, e in found.examples.items()},
        chosen=example.id,
        before=before(prompt),
        text=own if text is None else text,
        picture=address_of(prompt),
        answers=found.answers(example, text or own) if text is not None else {},
        expected=expected(found.job, example) if text in (own, "") else "",
    )


def server(found: Talk, port: int) -> ThreadingHTTPServer:
    """The server of the page; port 0 takes any free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            query = parse_qs(urlsplit(self.path).query)
            if urlsplit(self.path).path != "/":
                self.reply(404, "There is one page here: /")
            elif self.at_home():
                self.reply(200, page(found, query.get("example", [""])[0], None))

        def do_POST(self) -> None:  # noqa: N802
            size = self.headers.get("Content-Length", "")
            if not size.isdigit() or int(size) > MOST_BYTES:
                self.reply(413, f"Send at most {MOST_BYTES:,} bytes.")
            elif self.at_home():
                sent = parse_qs(self.rfile.read(int(size)).decode(errors="replace"), keep_blank_values=True)
                try:
                    self.reply(200, page(found, sent.get("example", [""])[0], sent.get("text", [""])[0]))
                except GalleryError as error:
                    self.reply(400, html.escape(str(error)))

        def at_home(self) -> bool:
            """Whether this page itself asks: another site must not make this machine work, nor read it."""
            host = self.headers.get("Host", "").rsplit(":", 1)[0]
            fine = host in (HOST, "localhost")
            fine = fine and self.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
            if not fine:
                self.reply(403, "Open this page by its own address.")
            return fine

        def reply(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """What a person asks is not written down."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise GalleryError(f"Port {port} cannot be used: {error.strerror}. Give another --port.") from error
