"""The served model by the client that people use: the run's answers, streaming, limits, loopback only."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from typer.testing import CliRunner

from common import chat, export, serve
from common.cli import app
from common.errors import GalleryError
from common.generate import replies
from tests.test_export import tuned  # noqa: F401

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
openai = pytest.importorskip("openai", reason="the extra `serve` is not installed")
TALK = [{"role": "user", "content": "the coin is red . colour ?"}]


@contextmanager
def running(served: serve.Served) -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    server, place = serve.server(served), serve.bound(0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    yield f"http://{serve.HOST}:{place.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def address(tuned: Path) -> Iterator[str]:  # noqa: F811
    """The tuned toy model, served."""
    with running(serve.load(str(tuned), "offline", None)) as found:
        yield found


def client(address: str) -> Any:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=120)


def by_the_run(folder: Path) -> list[str]:
    """The answers of the run's own code to its test questions."""
    _, job = export.opened(folder)
    model, tokenizer = serve.tuned_text(job)
    ids = [chat.prompt_ids(tokenizer, job.usecase.model_input(e)) for e in job.splits.test]
    return [reply.text for reply in replies(model, tokenizer, ids, job.config.answer_length_tokens)]


def test_the_client_gets_the_answers_of_the_run(address: str, tuned: Path) -> None:  # noqa: F811
    _, job = export.opened(tuned)
    said = []
    for example in job.splits.test:
        made = client(address).chat.completions.create(
            model="toy_text", messages=job.usecase.model_input(example)
        )
        said.append(made.choices[0].message.content.strip())
    assert said == by_the_run(tuned) and len(set(said)) > 2
    assert made.usage.prompt_tokens > 4 and made.usage.completion_tokens == 2
    assert made.choices[0].finish_reason == "stop"


def test_a_stream_gives_the_same_answer_in_pieces(address: str) -> None:
    whole = client(address).chat.completions.create(model="toy_text", messages=TALK)
    stream = client(address).chat.completions.create(model="toy_text", messages=TALK, stream=True)
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.strip() == whole.choices[0].message.content.strip() != ""
    assert len(chunks) >= 3 and chunks[-1].choices[0].finish_reason == "stop"


def test_plain_completions_and_the_list_of_models(address: str) -> None:
    rendered = "<|bos|><|user|>the coin is red . colour ?<|end|><|assistant|>"
    found = client(address).completions.create(model="toy_text", prompt=rendered, max_tokens=3)
    assert found.choices[0].text
    assert [model.id for model in client(address).models.list()] == ["toy_text"]
    with urlopen(f"{address}/health") as answer:
        assert json.load(answer) == {"status": "ok"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": 7}, "7 tokens were asked for; an answer has 6 at most"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"messages": [{"role": "user", "content": "red " * 200}]}, "the model has room for 128 in all"),
        ({"messages": []}, "messages: List should have at least 1 item"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "'system', 'user' or 'assistant'"),
        ({"model": "/etc/passwd"}, "is not served here; ask for 'toy_text'"),
        ({"n": 2}, "n: Input should be 1"),
        ({"temperature": 9.0}, "temperature: Input should be less than or equal to 2"),
        (
            {"extra_body": {"generation_config": '{"max_new_tokens": 9999}'}},
            "generation_config: Extra",
        ),
        ({"extra_body": {"chat_template_kwargs": {"chat_template": "x"}}}, "chat_template_kwargs: Extra"),
    ],
)
def test_what_is_too_much_or_unknown_is_refused_in_words(
    address: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client(address).chat.completions.create(**{"model": "toy_text", "messages": TALK, **changes})
    assert message in caught.value.response.json()["error"]["message"]


def test_a_temperature_draws_and_a_seed_repeats_it(address: str) -> None:
    ask = client(address).chat.completions.create
    drawn = [
        ask(model="toy_text", messages=TALK, temperature=2.0, seed=seed).choices[0].message.content
        for seed in (1, 1, 2, 3, 4, 5)
    ]
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1


def send(address: str, body: Any, path: str = "/v1/chat/completions", **headers: str) -> int:
    """The status that a bare request gets."""
    kept = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        with urlopen(Request(f"{address}{path}", data=body, headers=kept, method="POST")) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def test_large_requests_foreign_hosts_and_other_doors_are_closed(address: str) -> None:
    good = json.dumps({"model": "toy_text", "messages": TALK}).encode()
    assert send(address, good) == 200
    large = json.dumps({"model": "toy_text", "messages": TALK, "user": "x" * 1_000_001}).encode()
    assert send(address, large) == 413
    assert send(address, (part for part in [large]), Transfer_Encoding="chunked") == 413
    assert send(address, good, Host="evil.example") == 400
    assert send(address, good, Content_Type="text/plain") == 422
    assert send(address, b"{broken") == 422
    for path in ("/load_model", "/reset", "/v1/responses", "/v1/audio/transcriptions", "/docs"):
        assert send(address, b"{}", path) == 404, path


def test_the_socket_is_on_this_machine_alone() -> None:
    place = serve.bound(0)
    assert place.getsockname()[0] == "127.0.0.1"
    with pytest.raises(GalleryError, match="Give another --port"):
        serve.bound(place.getsockname()[1])
    place.close()


def test_many_clients_at_once_each_get_their_own_answer(address: str, tuned: Path) -> None:  # noqa: F811
    _, job = export.opened(tuned)
    examples, said = job.splits.test[:8], {}

    def ask(place: int) -> None:
        messages = job.usecase.model_input(examples[place])
        made = client(address).chat.completions.create(model="toy_text", messages=messages)
        said[place] = made.choices[0].message.content.strip()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(examples))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said[place] for place in range(len(examples))] == by_the_run(tuned)[:8]


def test_a_model_folder_and_the_embedded_base_are_served(tiny: Path) -> None:
    with running(serve.load(str(tiny), "offline", 4)) as found:
        name = tiny.name
        made = client(found).chat.completions.create(model=name, messages=TALK)
        assert made.usage.completion_tokens <= 4
    served = serve.load("embedded", "offline", 12)
    talk = [{"role": "user", "content": "hello"}]
    ids = [chat.prompt_ids(served.tokenizer, talk)]
    expected = replies(served.model, served.tokenizer, ids, 12)[0].text
    with running(served) as found:
        made = client(found).chat.completions.create(model="embedded", messages=talk)
        assert made.choices[0].message.content.strip() == expected
        made = client(found).chat.completions.create(model="embedded", messages=talk, stream=True)
        assert "".join(c.choices[0].delta.content or "" for c in made).strip() == expected


def test_what_the_template_refuses_is_said_and_parts_of_a_message_are_joined(tiny: Path) -> None:
    served = serve.load(str(tiny), "offline", 4)
    served.tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}"
        "{{ raise_exception('no system here') }}{% endif %}"
        "<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}<|assistant|>"
    )
    parts = [{"type": "text", "text": "the coin is red ."}, {"type": "text", "text": "colour ?"}]
    with running(served) as found:
        ask = client(found).chat.completions.create
        with pytest.raises(openai.BadRequestError, match="no system here"):
            ask(model=served.name, messages=[{"role": "system", "content": "x"}, *TALK])
        whole, joined = (
            ask(model=served.name, messages=m) for m in (TALK, [{"role": "user", "content": parts}])
        )
    assert whole.choices[0].message.content == joined.choices[0].message.content
    assert whole.usage.prompt_tokens == joined.usage.prompt_tokens


def test_an_exported_model_is_served_with_the_answers_of_the_run(tuned: Path, tmp_path: Path) -> None:  # noqa: F811
    export.export(tuned, tmp_path / "out", export.Limits(examples=4))
    served = serve.load(str(tmp_path / "out" / "merged"), "offline", None)
    assert served.most_tokens == 6, "the length of the run's answers goes out with the model"
    with running(served) as found:
        made = client(found).chat.completions.create(model="merged", messages=TALK)
    _, job = export.opened(tuned)
    at = next(n for n, e in enumerate(job.splits.test) if e.id == "coin-red")
    assert made.choices[0].message.content.strip() == by_the_run(tuned)[at]


def test_what_writes_nothing_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else object())
    done = CliRunner().invoke(app, ["serve", "embedded", "--port", "0"])
    assert isinstance(done.exception, GalleryError)
    assert "needs uvicorn" in str(done.exception) and ".[serve]" in str(done.exception)


def test_the_command_serves_and_ends_when_told(tmp_path: Path) -> None:
    import signal
    import subprocess
    import sys

    command = [sys.executable, "-m", "common.cli", "serve", "embedded", "--port", "0", "--answer-tokens", "3"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        line = process.stdout.readline()
        found = line.split()[1].removesuffix("/v1")
        made = client(found).chat.completions.create(
            model="embedded", messages=[{"role": "user", "content": "hi"}]
        )
        assert made.usage.completion_tokens <= 3
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    assert code in (0, 130, -2)
