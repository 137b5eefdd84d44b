"""A hub of one model or data set on this machine: its file API, and ways in which it goes wrong."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Hub:
    """One model with its commits, newest last, and what goes wrong with it."""

    model: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: bool = False
    broken: bool = False  # other bytes than the hash says
    cut_once: bool = False  # the first answer with weights ends in the middle
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, folder: Path) -> str:
        """Keeps the files of a folder as a new commit; gives its name."""
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        name = hashlib.sha1(json.dumps({k: v.hex() for k, v in files.items()}).encode()).hexdigest()
        self.commits[name] = files
        return name

    def commit(self, revision: str) -> str | None:
        newest = list(self.commits)[-1]
        return newest if revision == "main" else revision if revision in self.commits else None


class Answers(BaseHTTPRequestHandler):
    """Requests for a model's commit, its list of files, and the files."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        self.hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        parts = path.strip("/").replace("api/datasets/", "api/models/").removeprefix("datasets/").split("/")
        if parts[:2] == ["api", "models"] and "/".join(parts[2:4]) == self.hub.model:
            self.about(parts[4], parts[5])
        elif "/".join(parts[:2]) == self.hub.model and parts[2] == "resolve":
            self.file(parts[3], "/".join(parts[4:]), body)
        else:
            self.fail(404, "RepoNotFound")

    def about(self, what: str, revision: str) -> None:
        commit = self.hub.commit(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        files = self.hub.commits[commit]
        answer = [entry(name, data) for name, data in files.items()]
        facts = {"id": self.hub.model, "sha": commit, "siblings": [{"rfilename": name} for name in files]}
        self.send(200, {"Content-Type": "application/json"}, json.dumps(answer if what == "tree" else facts))

    def file(self, revision: str, name: str, body: bool) -> None:
        commit = self.hub.commit(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        if self.hub.gated:
            return self.fail(403, "GatedRepo")
        if name not in self.hub.commits[commit]:
            return self.fail(404, "EntryNotFound")
        data = self.hub.commits[commit][name]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{stated(name, data)}"', "Accept-Ranges": "bytes"}
        weights = name.endswith(".safetensors")
        if weights and self.hub.broken:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = weights and body and self.hub.cut_once
        self.hub.cut_once &= not cut
        self.send(206 if start else 200, headers, data[start:], body, cut)

    def fail(self, status: int, code: str) -> None:
        self.send(status, {"X-Error-Code": code, "X-Error-Message": code}, "")

    def send(
        self, status: int, headers: dict[str, str], data: str | bytes, body: bool = True, cut: bool = False
    ) -> None:
        data = data.encode() if isinstance(data, str) else data
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
            self.close_connection |= cut


def stated(name: str, data: bytes) -> str:
    """The hash that the hub gives a file: of its content for weights, as git does for the rest."""
    if name.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


def entry(name: str, data: bytes) -> dict[str, object]:
    """A file as the list of files names it."""
    found: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": stated(name, data)}
    if name.endswith(".safetensors"):
        found["lfs"] = {"oid": stated(name, data), "size": len(data), "pointerSize": 130}
    return found


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at an address of this machine, while the block runs."""
    handler = type("Here", (Answers,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
