"""Keeps one warm worker process, sends it work, and kills it when it takes too long."""

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .worker import read_frame, write_frame

# Past this many databases a fresh worker is cheaper than more memory.
MAX_INSTANCES = 2_000
WATCH_SECONDS = 0.05
PACKAGE = __name__.rpartition(".")[0]
Key = bytes | tuple[str, int, int]
ROOT = Path(__file__).resolve().parents[len(PACKAGE.split("."))]


class WorkerTimeout(Exception):
    """The worker was killed because its time was up."""


class WorkerDied(Exception):
    """The worker ended by itself, for example inside a fault of the database engine."""


class Watchdog:
    """Kills a process whose time is up.

    One thread that looks now and then: starting a timer for each request costs more than judging.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.deadline = 0.0
        self.has_killed = False
        threading.Thread(target=self._watch, daemon=True).start()

    def guard(self, process: "subprocess.Popen[bytes]", seconds: float) -> None:
        with self.lock:
            self.process, self.has_killed = process, False
            self.deadline = time.monotonic() + seconds

    def release(self) -> bool:
        """Ends the guard and says whether the process was killed."""
        with self.lock:
            self.process = None
            return self.has_killed

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_SECONDS)
            with self.lock:
                if self.process is not None and time.monotonic() > self.deadline:
                    self.process.kill()
                    self.process, self.has_killed = None, True


class Client:
    """The near end of the worker process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        self.watchdog: Watchdog
        self.sent: dict[Key, int] = {}
        self.done: set[tuple[str | Key, ...]] = set()

    def ask(
        self, request: dict[str, Any], instances: Sequence[bytes | Path], wall_seconds: float
    ) -> dict[str, Any]:
        """Sends one request and returns its answer; raises WorkerTimeout or WorkerDied."""
        with self.lock:
            self._ensure_running(len(instances))
            try:
                return self._exchange(request, instances, wall_seconds)
            except BaseException:
                # A half-finished exchange would answer the next request with this one's answer.
                self.stop()
                raise

    def ask_once(
        self, request: dict[str, Any], instances: Sequence[bytes | Path], wall_seconds: float
    ) -> dict[str, Any]:
        """Asks for work whose result stays with the worker, unless this worker has done it."""
        keys = (json.dumps(request), *(self._key(instance) for instance in instances))
        with self.lock:
            is_done = self._is_running() and keys in self.done
        if is_done:
            return {}
        reply = self.ask(request, instances, wall_seconds)
        self.done.add(keys)
        return reply

    def _is_running(self) -> bool:
        # After a fork both processes hold the same pipe, so the child starts its own worker.
        is_ours = self.owner == os.getpid()
        return is_ours and self.process is not None and self.process.poll() is None

    def _ensure_running(self, coming: int) -> None:
        is_full = len(self.sent) + coming > MAX_INSTANCES
        if self._is_running() and not is_full:
            return
        if self.owner == os.getpid():
            self.stop()
        inherited = [part for part in [os.environ.get("PYTHONPATH")] if part]
        path = os.pathsep.join([*inherited, str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "TZ": "UTC"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{PACKAGE}.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        # Threads do not live through a fork, so each owner has its own watchdog.
        if self.owner != os.getpid():
            self.watchdog = Watchdog()
        self.owner = os.getpid()
        self.sent = {}
        self.done = set()

    def _exchange(
        self, request: dict[str, Any], instances: Sequence[bytes | Path], wall_seconds: float
    ) -> dict[str, Any]:
        assert self.process is not None and self.process.stdin and self.process.stdout
        numbers = [self._number(instance) for instance in instances]
        self.watchdog.guard(self.process, wall_seconds)
        try:
            write_frame(self.process.stdin, json.dumps(request | {"instances": numbers}).encode())
            frame = read_frame(self.process.stdout)
        except BrokenPipeError:
            frame = None
        finally:
            was_killed = self.watchdog.release()
        if was_killed:
            raise WorkerTimeout()
        if frame is None:
            raise WorkerDied()
        return json.loads(frame)

    @staticmethod
    def _key(instance: bytes | Path) -> Key:
        if isinstance(instance, bytes):
            return instance
        status = instance.stat()
        return (str(instance), status.st_size, status.st_mtime_ns)

    def _number(self, instance: bytes | Path) -> int:
        """Sends a database the first time it is used; later its number is enough."""
        assert self.process is not None and self.process.stdin
        key = self._key(instance)
        if key not in self.sent:
            number = len(self.sent)
            kind = "bytes" if isinstance(instance, bytes) else "path"
            head = {"action": "add", "number": number, "kind": kind}
            data = instance if isinstance(instance, bytes) else str(instance.resolve()).encode()
            write_frame(self.process.stdin, json.dumps(head).encode())
            write_frame(self.process.stdin, data)
            self.sent[key] = number
        return self.sent[key]

    def stop(self) -> None:
        """Ends the worker; the next request starts a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream:
                    self._close(stream)
        self.process = None

    @staticmethod
    def _close(stream: Any) -> None:
        try:
            stream.close()
        except BrokenPipeError:
            # What was still waiting to be sent has no reader any more.
            return


CLIENT = Client()
atexit.register(CLIENT.stop)
