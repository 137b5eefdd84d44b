"""What is exported answers as the adapter does, says its limits, and carries the template of the run."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from common import (
    chat,
    config,
    export,
    export_template,
    models,
    parity,
    preference_stage,
    record,
    run,
    usecase,
)
from common.cli import app
from common.errors import GalleryError
from common.generate import replies
from tests import test_preference, toy, toy_text
from tests.test_sft import LEARNS

GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
    "{{ first if loop.first else '' }}{{ m['content'] | trim }}{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
QWEN = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif %}"
)
PHI = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)
HELPFUL = "{% if messages[0]['role'] != 'system' %}{{ '<|system|>You help<|end|>' }}{% endif %}" + PHI
ODD = "{% for m in messages %}{{ m['content'][::-1] }}{% endfor %}"
TALKS = (
    [{"role": "user", "content": "one"}],
    [{"role": "system", "content": "be short"}, {"role": "user", "content": "two\nlines"}],
    [
        {"role": "system", "content": "be short"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ],
)


@pytest.fixture(scope="module")
def tuned(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished LoRA run of the toy text use case."""
    root = tmp_path_factory.mktemp("tuned")
    found = usecase.load_class(toy_text.write(root, LEARNS) / "usecase.py")()
    real = usecase.find
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usecase, "find", lambda name: found if name == "toy_text" else real(name))
        out = root / "toy_text--offline"
        given = {"model": str(tiny), "method": "lora"}
        run.execute(found, config.build(found, "offline", given), out)
        yield out


def tokenizer_with(template: str | None) -> Any:
    found = models.load_tokenizer(models.resolve("embedded", None, "sft"))
    found.chat_template = template
    return found


def test_an_export_is_whole_and_the_merged_model_answers_as_the_adapter(tuned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = export.export(tuned, out)
    names = ["Modelfile", "README.md", "adapter", "merged"]
    assert [path.name for path in sorted(out.iterdir())] == names
    assert [Path(line).name for line in said.splitlines()] == names
    table = {row[0]: row for row in json.loads((tuned / "parity.json").read_text())["rows"]}
    assert table["merged, stored, loaded again"][1] == "1.000" == table["merged"][1]

    _, job = export.opened(tuned)
    prompts = [job.usecase.model_input(e) for e in job.splits.test]
    answers = []
    for model, tokenizer in (
        models.load_causal(job.base, job.adapter),
        models.load_causal(models.local_base("merged", out / "merged", ""), None),
    ):
        ids = [chat.prompt_ids(tokenizer, prompt) for prompt in prompts]
        answers.append([reply.text for reply in replies(model, tokenizer, ids, 6)])
    assert answers[0] == answers[1] and len(set(answers[0])) > 2
    assert not (out / "merged" / "adapter_config.json").exists()
    with pytest.raises(GalleryError, match="exists already"):
        export.export(tuned, out)


def test_the_card_says_the_records_numbers_the_verdict_and_the_limits(tuned: Path, tmp_path: Path) -> None:
    export.export(tuned, tmp_path / "out", export.Limits(examples=8))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    row = record.read(tuned / "record.json")
    mean = row.contenders["tuned"]["scores"]["exact"]["mean"]
    assert f"{mean:.3f} [" in card and f"**Verdict: {row.verdict['label']}.**" in card
    for part in ("For tests.", "Apache-2.0", row.base["id"], "merged, stored, loaded again", "vllm serve"):
        assert part in card, part
    assert "the thing" not in card and "  {{" not in card and "{%" not in card


def test_the_command_finds_a_run_by_its_folder(tuned: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(tuned), "--out", str(tmp_path / "out"), "--examples", "4"])
    assert done.exit_code == 0 and (tmp_path / "out" / "README.md").is_file(), done.output
    for wrong, message in (("nowhere/run", "no finished run"), ("knowledge_serch", "Did you mean")):
        with pytest.raises(GalleryError, match=message):
            export.run_folder(wrong, "offline")
    with pytest.raises(GalleryError, match="gallery run knowledge_search --variant none-such"):
        export.run_folder("knowledge_search", "none-such")


@pytest.mark.parametrize(
    "bad",
    [
        parity.Form("merged", 1.0, 0.5, -0.5),
        parity.Form("merged, stored, loaded again", 0.75, 1.0, 0.0),
        parity.Form("as recorded by the run", 1.0, 0.5, 0.2),
    ],
)
def test_a_failed_parity_leaves_nothing_behind(
    tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: parity.Form
) -> None:
    monkeypatch.setattr(parity, "forms", lambda *_: [bad])
    with pytest.raises(GalleryError, match=f"{bad.name}: not the adapter's answers"):
        export.export(tuned, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_int8_is_told_but_stops_nothing(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parity.forms
    worse = parity.Form("merged, int8 dynamic", 0.1, 0.1, -0.9)
    monkeypatch.setattr(parity, "forms", lambda *given: [*real(*given)[:-1], worse])
    export.export(tuned, tmp_path / "out", export.Limits(examples=4))
    assert "int8 dynamic | 0.100" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_a_method_that_cannot_be_merged_gives_the_adapter_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy.write(tmp_path)
    found = usecase.load_class(folder / "usecase.py")()
    monkeypatch.setattr(usecase, "find", lambda name: found)
    out = tmp_path / "toy--offline"
    run.execute(found, config.build(found, "offline", {"smoke": True}), out)
    export.export(out, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "No merged model: method 'head' cannot be merged" in card and "do not use it" in card
    assert "ollama" not in card and "gallery serve" not in card
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "adapter"]


def test_a_preference_run_goes_out_with_the_model_that_it_started_from(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = usecase.load_class(test_preference.write(tmp_path, test_preference.TOY) / "usecase.py")()
    monkeypatch.setattr(usecase, "find", lambda name: found)
    folder = tmp_path / "toy_text--offline"
    given = {"model": str(tiny), "method": "lora", "smoke": True}
    run.execute(found, config.build(found, "offline", given), folder)
    monkeypatch.setattr(preference_stage, "supervised", lambda *_: pytest.fail("it was trained again"))
    export.export(folder, tmp_path / "out", export.Limits(examples=8))
    assert (tmp_path / "out" / "start" / "model.safetensors").is_file()
    assert "it sits on `start/`" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert not [path for path in folder.iterdir() if path.name.startswith("tmp")]


@pytest.mark.parametrize("template", [GEMMA, QWEN, PHI, HELPFUL, None])
def test_the_settled_template_and_ollamas_write_what_the_run_wrote(template: str | None) -> None:
    tokenizer = tokenizer_with(template)
    expected = [chat.render(tokenizer, talk) for talk in TALKS]
    export_template.settle(tokenizer)
    assert [export_template.written(tokenizer, talk) for talk in TALKS] == expected
    export_template.settle(tokenizer)
    assert [chat.render(tokenizer, talk) for talk in TALKS] == expected, "settling twice changes nothing"
    pieces = export_template.pieces(tokenizer)
    assert pieces and [pieces.text(talk) for talk in TALKS] == expected


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go is installed, whose templates Ollama uses")
@pytest.mark.parametrize("template", ["own", GEMMA, QWEN, PHI, HELPFUL])
def test_go_itself_writes_the_same(template: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_with(template)
    if template == "own":
        tokenizer = models.load_tokenizer(models.resolve("embedded", None, "sft"))
    export_template.settle(tokenizer)
    pieces = export_template.pieces(tokenizer)
    assert pieces
    (tmp_path / "template").write_text(pieces.go(), encoding="utf-8")
    talks = [[{"Role": m["role"], "Content": m["content"]} for m in talk] for talk in TALKS]
    (tmp_path / "talks.json").write_text(json.dumps(talks), encoding="utf-8")
    (tmp_path / "main.go").write_text(GO, encoding="utf-8")
    done = subprocess.run(
        ["go", "run", "main.go"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOFLAGS": "-mod=mod", "GOPROXY": "off"},
    )
    assert done.returncode == 0, done.stderr
    expected = [chat.render(tokenizer, talk).removeprefix(pieces.start) for talk in TALKS]
    assert json.loads(done.stdout) == expected


GO = """package main
import ("encoding/json"; "os"; "strings"; "text/template")
type Message struct { Role, Content string }
func main() {
	source, _ := os.ReadFile("template")
	raw, _ := os.ReadFile("talks.json")
	var talks [][]Message
	json.Unmarshal(raw, &talks)
	out := []string{}
	for _, talk := range talks {
		var text strings.Builder
		made := template.Must(template.New("t").Parse(string(source)))
		if err := made.Execute(&text, map[string]any{"Messages": talk}); err != nil { panic(err) }
		out = append(out, text.String())
	}
	json.NewEncoder(os.Stdout).Encode(out)
}
"""


def test_a_template_that_ollama_cannot_say_gets_no_modelfile(tuned: Path, tmp_path: Path) -> None:
    assert export_template.pieces(tokenizer_with(ODD)) is None
    loud = QWEN.replace("<|im_end|>", '\\"\\"\\"')
    assert export_template.pieces(tokenizer_with(loud)) is None, "three quotes would end the Modelfile's text"
    out = tmp_path / "out"
    export.export(tuned, out, export.Limits(examples=4))
    text = (out / "Modelfile").read_text(encoding="utf-8")
    pieces = export_template.pieces(models.load_tokenizer(models.local_base("", out / "merged", "")))
    assert pieces and f'TEMPLATE """{pieces.go()}"""' in text
    assert (
        "num_ctx 128" in text
        and "FROM ./merged" in text
        and 'PARAMETER stop "<|end|>"' in text
        and "temperature 0" in text
    )
    decoding = json.loads((out / "merged" / "generation_config.json").read_text())
    assert decoding["max_new_tokens"] == 6 and decoding["eos_token_id"] == [2] and not decoding["do_sample"]
