"""What comes from the hub: pinned, resumed, held against its hash, and nothing asked without need."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from common import cli, hub_data, record, run, usecase
from common.examples import read_examples
from tests import hub_server, tiny_hub, toy_text
from tests.hub_server import Hub
from tests.test_hub_models import VARIANT

MODEL = "tiny/qwen3"
RESOLVE = """
import sys
from common.models import keep_quiet, resolve
from common.errors import GalleryError
keep_quiet(online=True)
import huggingface_hub.constants
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 4096
try:
    base = resolve(sys.argv[1], sys.argv[2] or None, "sft")
    print("found", base.revision, base.path)
except GalleryError as error:
    print("refused", error)
"""
LOAD = """
import sys
from common.models import is_hub_id, keep_quiet, load_causal, resolve
keep_quiet(online=is_hub_id(sys.argv[1]))
print(type(load_causal(resolve(sys.argv[1], None, "sft"), None)[0]).__name__)
"""
RUN = """
import sys
from pathlib import Path
from common.models import is_hub_id, keep_quiet
keep_quiet(online=is_hub_id(sys.argv[3]))
from common import config, run, usecase
found = usecase.load_class(Path(sys.argv[1]) / "usecase.py")()
given = {"model": sys.argv[3], "revision": sys.argv[4] or None, "smoke": True}
run.execute(found, config.build(found, "offline", given), Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_hub.chat_model("qwen3", tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(saved: Path) -> Iterator[Hub]:
    """A hub with two commits: the newer one has another README and weights in a format that nobody reads."""
    found = Hub(MODEL)
    found.add(saved)
    newer = {**next(iter(found.commits.values())), "README.md": b"newer", "pytorch_model.bin": b"pickle"}
    found.commits["b" * 40] = newer
    with hub_server.serving(found):
        yield found


def python(hub: Hub, home: Path, code: str, *arguments: str, **more: str) -> str:
    """What a fresh process says that knows only this hub."""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
    for name in ("GALLERY_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=usecase.ROOT,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_run_takes_one_commit_and_records_it(hub: Hub, tmp_path: Path) -> None:
    folder, first = toy_text.write(tmp_path, VARIANT), next(iter(hub.commits))
    python(hub, tmp_path / "home", RUN, str(folder), str(tmp_path / "out"), MODEL, first)
    made = record.read(tmp_path / "out" / "record.json")
    assert made.base["id"] == MODEL and made.base["revision"] == first and made.base["on_hub"]
    assert made.base["file_hash"] and made.training["steps"] > 0
    files = [line for line in hub.asked if "/resolve/" in line]
    assert files and all(f"/resolve/{first}/" in line for line in files)


def test_without_a_commit_the_newest_is_taken_and_only_what_is_read(hub: Hub, tmp_path: Path) -> None:
    said = python(hub, tmp_path, RESOLVE, MODEL, "")
    assert said.startswith(f"found {'b' * 40}")
    assert not [line for line in hub.asked if ".bin" in line or "README" in line]
    taken = len(hub.asked)
    assert python(hub, tmp_path, RESOLVE, MODEL, "b" * 40) == said
    assert len(hub.asked) == taken, "a commit that is in the cache was asked for again"


def test_a_cut_connection_is_taken_up_where_it_ended(hub: Hub, tmp_path: Path) -> None:
    hub.cut_once = True
    assert python(hub, tmp_path, RESOLVE, MODEL, "").startswith("found")
    asked = [line for line in hub.asked if line.startswith("GET") and ".safetensors" in line]
    half = len(hub.commits["b" * 40]["model.safetensors"]) // 2
    assert len(asked) == 2 and half - 4096 < int(re.search(r"bytes=(\d+)-", asked[1]).group(1)) <= half


def test_other_bytes_than_the_hash_says_are_refused_and_loaded_anew(hub: Hub, tmp_path: Path) -> None:
    hub.broken = True
    said = python(hub, tmp_path, RESOLVE, MODEL, "")
    assert said.startswith("refused model.safetensors of tiny/qwen3 does not have the hash"), said
    hub.broken = False
    assert python(hub, tmp_path, RESOLVE, MODEL, "").startswith("found")


def test_offline_asks_nothing(hub: Hub, saved: Path, tmp_path: Path) -> None:
    said = python(hub, tmp_path, RESOLVE, MODEL, "", HF_HUB_OFFLINE="1")
    assert said.startswith("refused tiny/qwen3 at 'main' is not wholly in the local cache"), said
    assert python(hub, tmp_path, LOAD, str(saved)) == "Qwen3ForCausalLM"
    assert hub.asked == []


def test_what_is_in_the_cache_serves_when_the_hub_is_gone(hub: Hub, tmp_path: Path) -> None:
    said = python(hub, tmp_path, RESOLVE, MODEL, "")
    gone = Hub(MODEL, url="http://127.0.0.1:9")
    assert python(gone, tmp_path, RESOLVE, MODEL, "") == said


DATA = """
import sys
from common.errors import GalleryError
from common.hub_data import data_settings
from pathlib import Path
try:
    print(data_settings(Path(sys.argv[1])))
except GalleryError as error:
    print("refused", error)
"""
SET = "tiny/set"
ROWS = "".join(json.dumps({"text": f"a thing {n}", "label": "x"}) + "\n" for n in range(3)).encode()


@pytest.fixture
def data_hub() -> Iterator[Hub]:
    """A data set in two commits; the newer one has a second set of files and a script."""
    files = {
        "README.md": b"---\npretty_name: Set\nlicense:\n- cc-by-4.0\n---\nA card.",
        "data/train.jsonl": ROWS,
        "data/test.jsonl": ROWS.replace(b"thing", b"part"),
    }
    more = {"fr/train.jsonl": ROWS, "fr/test.jsonl": ROWS, "load.py": b"print('run')"}
    found = Hub(SET, {"a" * 40: files, "b" * 40: {**files, **more}})
    with hub_server.serving(found):
        yield found


def test_a_data_set_comes_at_one_commit_and_is_named_in_the_record(data_hub: Hub, tmp_path: Path) -> None:
    said = ast.literal_eval(python(data_hub, tmp_path, DATA, f"hf:{SET}@{'a' * 40}").replace("PosixPath", ""))
    assert (
        said["source_name"] == SET
        and said["source_origin"] == f"huggingface.co/datasets/{SET} @ aaaaaaaaaaaa"
    )
    assert said["source_licence"] == "cc-by-4.0"
    assert Path(said["data"]).name == "data" and (Path(said["data"]) / "train.jsonl").read_bytes() == ROWS
    found = read_examples(Path(said["data"]), "text", "label")
    assert len(found.test) == 3
    asked = len(data_hub.asked)
    python(data_hub, tmp_path, DATA, f"hf:{SET}@{'a' * 40}")
    assert len(data_hub.asked) == asked, "a commit that is in the cache was asked for again"


def test_the_command_runs_on_what_came_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"data": tmp_path, "source_name": SET, "source_licence": "l", "source_origin": "o"}
    asked: list[Path | None] = []
    monkeypatch.setattr(cli, "data_settings", lambda data: [asked.append(data), where][1])
    monkeypatch.setattr(run, "execute", lambda found, settings, folder: asked.append(settings) or sys.exit(7))
    done = CliRunner().invoke(cli.app, ["run", "legal_clauses", "--data", f"hf:{SET}"])
    assert done.exit_code == 7 and asked[0] == Path(f"hf:{SET}")
    assert (asked[1].data, asked[1].source_name) == (tmp_path, SET)


def test_of_several_folders_one_is_named_and_nothing_else_comes(data_hub: Hub, tmp_path: Path) -> None:
    said = python(data_hub, tmp_path, DATA, f"hf:{SET}")
    assert said == "refused The data set has rows in several folders: data, fr. Name one: hf:ORG/NAME/FOLDER."
    assert not [line for line in data_hub.asked if "load.py" in line]
    data_hub.asked.clear()
    said = python(data_hub, tmp_path / "other", DATA, f"hf://datasets/{SET}/fr")
    assert "'source_name': 'tiny/set/fr'" in said and "/fr')" in said
    assert not [
        line for line in data_hub.asked if "resolve" in line and "/fr/" not in line and "README" not in line
    ]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\nlanguage: en\nlicense:\n  - apache-2.0\n---\n", "apache-2.0"),
        ("---\nlanguage: en\n---\nlicense: mit", "not stated on its card"),
        ("license: mit", "not stated on its card"),
        (None, "not stated on its card"),
    ],
)
def test_the_licence_is_that_on_the_card(tmp_path: Path, card: str | None, licence: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert hub_data.licence_on(tmp_path / "README.md") == licence


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (["dataset_infos.json", "data/train-0.parquet", "data/test-0.parquet"], "data"),
        (["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"], "."),
        (["tables.json", "train_spider.json", "dev.json", "more/notes.csv"], "."),
        (["train/good/1.png", "test/good/2.png"], "."),
        (["card.json"], "."),
    ],
)
def test_rows_are_found_where_they_lie(tmp_path: Path, files: list[str], place: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert hub_data.folder_with_rows(tmp_path) == tmp_path / place


def test_data_that_the_hub_does_not_give_say_why(data_hub: Hub, tmp_path: Path) -> None:
    for data, message in (
        ("hf:tiny", "refused --data hf:tiny: expected hf:ORG/NAME, hf:ORG/NAME/FOLDER"),
        (f"hf:{SET}/de", "refused The data set has no folder de; nothing came."),
        ("hf:tiny/other", "refused The hub has no dataset tiny/other at revision 'main'"),
        (f"hf:{SET}@v9", "refused The hub has no dataset tiny/set at revision 'v9'"),
    ):
        assert python(data_hub, tmp_path, DATA, data).startswith(message)
    said = python(data_hub, tmp_path / "new", DATA, f"hf:{SET}", HF_HUB_OFFLINE="1")
    assert said.startswith("refused tiny/set at 'main' is not wholly in the local cache")
    data_hub.gated = True
    said = python(data_hub, tmp_path / "newer", DATA, f"hf:{SET}")
    assert "accept its licence at https://huggingface.co/datasets/tiny/set" in said


def test_gated_and_unknown_models_say_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.gated = True
    said = python(hub, tmp_path, RESOLVE, MODEL, "")
    assert said.startswith("refused tiny/qwen3 is gated: accept its licence") and "HF_TOKEN" in said
    assert len(said.splitlines()) == 1
    assert "The hub has no model tiny/other" in python(hub, tmp_path, RESOLVE, "tiny/other", "")
    assert "at revision 'v9'" in python(hub, tmp_path, RESOLVE, MODEL, "v9")
