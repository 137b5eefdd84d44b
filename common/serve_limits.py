"""What a request to the served model may hold, and transformers' handlers kept to it.

Only this file imports the server inside transformers, whose names move. It needs the extra `serve`.
"""

import uuid
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from jinja2 import TemplateError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware
from transformers.cli.serving.chat_completion import ChatCompletionHandler
from transformers.cli.serving.completion import CompletionHandler
from transformers.cli.serving.model_manager import ModelManager, TimedModel
from transformers.cli.serving.utils import GenerationState

from common import chat
from common.answering import context_tokens
from common.export_template import PLAIN

MOST_BYTES = 1_000_000
FOREVER = -1
NOT_FOR_HANDLERS = {"user", "n", "stream_options"}


class Text(BaseModel):
    """A part of a message; pictures and sound are not understood."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str | list[Text]

    def said(self) -> str:
        """The text, its parts joined as transformers joins them."""
        return self.content if isinstance(self.content, str) else " ".join(p.text for p in self.content)


class Request(BaseModel):
    """What both endpoints understand; anything else is refused, not left out in silence."""

    model_config = ConfigDict(extra="forbid")

    model: str
    stream: bool = False
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = Field(None, max_length=64)
    seed: int | None = Field(None, ge=0, lt=2**63)
    n: Literal[1] | None = None
    user: str | None = None
    stream_options: dict[str, Any] | None = None


class ChatRequest(Request):
    messages: list[Message] = Field(min_length=1)


class TextRequest(Request):
    prompt: str


def failure(message: str, status: int) -> JSONResponse:
    """An error as clients of the protocol read it."""
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, status)


class Limited:
    """Keeps a handler to the run's way of answering: its length, its decoding, its context."""

    request: type[Request]
    most_tokens: int

    async def handle_request(self, body: dict[str, Any], request_id: str) -> Any:
        try:
            asked = self.request(**body)
        except (ValidationError, TypeError) as error:
            faults = error.errors() if isinstance(error, ValidationError) else []
            return failure("; ".join(f"{f['loc'][0]}: {f['msg']}" for f in faults) or str(error), 400)
        asked.max_tokens = asked.max_completion_tokens or asked.max_tokens or self.most_tokens
        try:
            refused = self.refusal(asked, asked.max_tokens)
        except TemplateError as error:  # some refuse a role, or roles that do not take turns
            refused = f"the model's template cannot write these messages: {error}"
        if refused:
            return failure(refused, 400)
        clean = asked.model_dump(exclude_none=True, exclude=NOT_FOR_HANDLERS)
        return await super().handle_request(clean, request_id)

    def refusal(self, asked: Request, wanted: int) -> str:
        """Why a request is too much; empty when it is not."""
        model, tokenizer = self._resolve_model({"model": None})[1:]
        if asked.model != self.model_manager.force_model:
            return f"model {asked.model!r} is not served here; ask for {self.model_manager.force_model!r}"
        if wanted > self.most_tokens:
            return f"{wanted} tokens were asked for; an answer has {self.most_tokens} at most"
        prompt, room = len(self.prompt_ids(tokenizer, asked)), context_tokens(model)
        if prompt + wanted > room:
            return f"{prompt} tokens of prompt and {wanted} of answer; the model has room for {room} in all"
        return ""

    def prompt_ids(self, tokenizer: Any, asked: Any) -> list[int]:
        if isinstance(asked, TextRequest):
            return tokenizer(asked.prompt)["input_ids"]
        return chat.prompt_ids(tokenizer, [{"role": m.role, "content": m.said()} for m in asked.messages])

    def _build_generation_config(self, body: dict[str, Any], *given: Any, **named: Any) -> Any:
        """Greedy unless a temperature is asked for, as the run answered."""
        made = super()._build_generation_config(body, *given, **named)
        made.do_sample = bool(body.get("temperature"))
        return made


class Chat(Limited, ChatCompletionHandler):
    request = ChatRequest


class Completion(Limited, CompletionHandler):
    request = TextRequest


class Bounded:
    """Reads a request's body up to a limit, whatever its headers claim, before anything else sees it."""

    def __init__(self, app: Any, most_bytes: int = MOST_BYTES) -> None:
        self.app, self.most_bytes = app, most_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > self.most_bytes:
                refused = failure(f"the request has more than the {self.most_bytes:,} bytes allowed", 413)
                return await refused(scope, receive, send)
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            return waiting.pop() if waiting else await receive()

        return await self.app(scope, replay, send)


def application(model: Any, tokenizer: Any, name: str, most_tokens: int) -> Any:
    """The application: chat, completions, the list of models, and whether it is up."""
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN
    manager = ModelManager()
    manager.force_model, manager.model_timeout = name, FOREVER
    manager.loaded_models[manager.process_model_name(name)] = TimedModel(model, FOREVER, tokenizer)
    state = GenerationState()
    chats = Chat(manager, state, chat_template_kwargs=dict(chat.TEMPLATE_SETTINGS))
    texts = Completion(manager, state)
    chats.most_tokens = texts.most_tokens = most_tokens
    app = FastAPI(title=name, docs_url=None, redoc_url=None, openapi_url=None)
    # A page of another site can name this machine as its own; its requests carry that site's name.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    @app.post("/v1/chat/completions")
    async def chat_completions(body: dict[str, Any]) -> Any:
        return await chats.handle_request(body, new_id())

    @app.post("/v1/completions")
    async def completions(body: dict[str, Any]) -> Any:
        return await texts.handle_request(body, new_id())

    @app.get("/v1/models")
    def listed() -> Any:
        one = {"id": name, "object": "model", "created": 0, "owned_by": "finetune-gallery"}
        return {"object": "list", "data": [one]}

    @app.get("/health")
    def health() -> Any:
        return {"status": "ok"}

    return Bounded(app)


def new_id() -> str:
    return f"gallery-{uuid.uuid4().hex}"
