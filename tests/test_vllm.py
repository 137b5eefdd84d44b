"""Answers from vLLM are those of the built-in generation, and its server comes and goes with the run.

Everywhere a stand-in speaks the server's language; where `vllm` itself is on PATH, it is held to the same.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import compare, config, generate, methods, models, run, trainer, usecase, vllm
from common.embedded import neutral_text
from common.errors import GalleryError
from common.generate import Reply, Sampling
from common.job import Job
from common.tuners import sft
from tests.test_generate import moved
from tests.test_sft import SHORT, job

REAL = shutil.which("vllm")
MOST_TOKENS = 8
SAME_SHARE = 0.85  # of whole answers: sums in another order may settle a tie otherwise


def command_at(place: Path, text: str) -> str:
    """An executable script."""
    path = place / "vllm"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def no_server_is_left() -> Iterator[None]:
    yield
    vllm.stop()


@pytest.fixture
def stand_in(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Path(__file__).with_name("vllm_server.py")
    line = f'exec {sys.executable} {server} "$@"'
    monkeypatch.setenv(vllm.VARIABLE, command_at(tmp_path_factory.mktemp("stand-in"), line))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody listens there


@pytest.fixture(params=["stand-in", "vLLM itself"])
def engine(request: pytest.FixtureRequest) -> None:
    if request.param == "stand-in":
        request.getfixturevalue("stand_in")
    elif REAL is None:
        pytest.skip("vLLM is not installed here: no command `vllm` on PATH")


def embedded_job(root: Path, method: str = "lora") -> Job:
    """A job on the embedded base, which vLLM can hold."""
    base = models.resolve("embedded", None, "sft")
    small = job(Path(base.path), root, method=method, vllm=True)
    return replace(small, base=base)


def adapted(work: Job) -> tuple[Any, Any]:
    """A model whose adapter is on disk, as a training leaves it."""
    model, tokenizer = models.load_causal(work.base, None)
    model = moved(methods.apply(model, work.config, "sft", "CAUSAL_LM"), 0.02)
    work.adapter.mkdir(parents=True)
    sft.save(work, model, tokenizer, None)
    return sft.load(work, work.adapter)


def asked(work: Job, model: Any, tokenizer: Any) -> tuple[list[Reply], list[Reply]]:
    """What both engines say to the starts of some texts."""
    prompts = [tokenizer(text)["input_ids"][: 8 + 3 * n] for n, text in enumerate(neutral_text()[:8])]
    counted: list[int] = []
    found = vllm.replies(work, model, tokenizer, prompts, MOST_TOKENS, Sampling(), counted.append)
    assert sum(counted) == len(prompts)
    return found, generate.replies(model, tokenizer, prompts, MOST_TOKENS)


def agreement(found: list[Reply], own: list[Reply]) -> float:
    pairs = list(zip(found, own, strict=True))
    return sum((a.text, a.stopped, a.tokens) == (b.text, b.stopped, b.tokens) for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("tuned", [False, True])
def test_greedy_answers_are_those_of_the_built_in_generation(
    engine: None, tuned: bool, tmp_path: Path
) -> None:
    work = embedded_job(tmp_path)
    model, tokenizer = adapted(work) if tuned else sft.load(work, None)
    found, own = asked(work, model, tokenizer)
    assert vllm.KEPT.model is model, "the server must have been asked"
    assert agreement(found, own) >= SAME_SHARE and len({reply.text for reply in own}) > 4
    piece = tokenizer("The", add_special_tokens=False)["input_ids"][0]
    for amount in (-1e4, 2.0, 1e4):
        generate.lean(model, piece, amount)
        found, own = asked(work, model, tokenizer)
        assert agreement(found, own) >= SAME_SHARE
        assert [r.lead for r in found] == pytest.approx([r.lead for r in own], abs=0.02)
    assert {reply.text[:3] for reply in found} == {"The"}, "an amount as large as this decides the start"


def test_a_whole_run_scores_the_same_and_says_who_answered(
    stand_in: None, tiny: Path, tmp_path: Path
) -> None:
    made = {}
    for name, answered in (("own", False), ("vllm", True)):
        work = job(tiny, tmp_path / name, SHORT, method="lora", vllm=answered)
        made[name] = run.execute(work.usecase, work.config, tmp_path / name / "out")
    scores = [{n: row["scores"] for n, row in one.contenders.items()} for one in made.values()]
    assert scores[0] == scores[1]
    assert made["vllm"].environment["vllm"] == {"untuned": "stand-in", "tuned": "stand-in"}
    assert "vllm" not in made["own"].environment
    assert 0 < made["vllm"].contenders["tuned"]["seconds"] < 5, "its start is no part of an answer's cost"
    assert not list((tmp_path / "vllm" / "out").rglob("tmp*")), "the merged model is not left behind"


@pytest.mark.parametrize(
    ("reason", "method"),
    [("still learning", "lora"), ("cannot be folded", "prompt"), ("cannot be folded", "bottleneck")],
)
def test_what_no_server_can_hold_is_answered_here(
    reason: str, method: str, stand_in: None, tmp_path: Path
) -> None:
    work = embedded_job(tmp_path, method)
    model, tokenizer = adapted(work)
    if reason == "still learning":
        model.train()
    assert reason in vllm.why_not(work, model, Sampling())
    found, own = asked(work, model, tokenizer)
    assert found == own and vllm.KEPT.process is None


def test_without_the_command_the_run_says_once_that_it_answers_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(vllm.VARIABLE, "")
    monkeypatch.setattr(vllm, "KEPT", vllm.Kept())
    work = embedded_job(tmp_path)
    model, tokenizer = sft.load(work, None)
    found, own = asked(work, model, tokenizer)
    asked(work, model, tokenizer)
    assert found == own and capsys.readouterr().out.count("vLLM is not found") == 1
    generate.lean(model, 5, 1.0)
    monkeypatch.setenv(vllm.VARIABLE, "sh")
    assert "drawn under a bound" in vllm.why_not(work, model, Sampling(0.7))
    assert vllm.why_not(work, model, Sampling()) == ""
    hollow = replace(work, base=models.resolve(models.RANDOM, None, "sft"))
    assert "random weights" in vllm.why_not(hollow, model, Sampling())


def test_a_server_that_fails_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(vllm.VARIABLE, command_at(tmp_path, "echo no such architecture >&2; exit 3"))
    work = embedded_job(tmp_path)
    with pytest.raises(GalleryError, match="(?s)did not start.*no such architecture.*GALLERY_VLLM="):
        asked(work, *sft.load(work, None))


def test_a_server_that_dies_while_it_answers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    monkeypatch.setenv(vllm.VARIABLE, command_at(tmp_path, "echo out of memory; exit 1"))
    work = job(tiny, tmp_path, vllm=True)
    vllm.KEPT.process = vllm.begin(tiny, sft.load(work, None)[0])
    vllm.KEPT.process.wait()
    with pytest.raises(GalleryError, match="(?s)vLLM did not answer.*out of memory.*GALLERY_VLLM="):
        vllm.ask(prompt=[[5]], max_tokens=1)


def test_a_server_ends_with_the_run_that_was_killed(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(vllm.VARIABLE, command_at(tmp_path, "exec sleep 600"))
    code = (
        "import sys, time; from pathlib import Path; from types import SimpleNamespace\n"
        "from common import vllm\n"
        "print(vllm.begin(Path(sys.argv[1]), SimpleNamespace(dtype='float32')).pid, flush=True)\n"
        "time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tiny)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=usecase.ROOT) as parent:
        server = int(parent.stdout.readline())
        os.kill(server, 0)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while Path(f"/proc/{server}/cmdline").exists() and Path(f"/proc/{server}/cmdline").read_bytes():
        assert time.monotonic() < until, "the server outlived its run"
        time.sleep(0.2)


def test_hub_models_that_write_ask_for_it_and_a_check_of_a_model_does_not(
    stand_in: None, tiny: Path, tmp_path: Path
) -> None:
    chatbot, search = usecase.find("support_chatbot"), usecase.find("knowledge_search")
    assert config.build(chatbot, "offline", {"model": "org/name"}).vllm
    assert not config.build(chatbot, "offline", {}).vllm
    assert not config.build(search, "offline", {"model": "org/name"}).vllm
    work = job(tiny, tmp_path, SHORT, method="lora", vllm=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(vllm.VARIABLE, "")
        made = run.execute(work.usecase, work.config, tmp_path / "out")
        assert made.environment["vllm"] == dict.fromkeys(("untuned", "tuned"), "built-in generation")
        patch.setattr(compare, "usecase_of", lambda row: work.usecase)
        assert made.config["vllm"] and not compare.tuned_job(tmp_path / "out")[1].config.vllm


def test_a_dead_server_is_started_anew_and_training_gives_its_memory_back(
    stand_in: None, tiny: Path, tmp_path: Path
) -> None:
    work = job(tiny, tmp_path, vllm=True)
    model, _ = sft.load(work, None)
    vllm.serve(work, model)
    first = vllm.KEPT.process
    vllm.serve(work, model)
    assert vllm.KEPT.process is first
    first.kill()
    first.wait()
    vllm.serve(work, model)
    second = vllm.KEPT.process
    trainer.arguments(work, 10)
    assert second is not first and second.poll() is not None and vllm.KEPT.process is None
