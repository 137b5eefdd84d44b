"""What the gallery asks of vLLM's server, answered by transformers: `serve FOLDER --port N ...`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import torch
from transformers import AutoModelForCausalLM

folder, options = sys.argv[2], sys.argv[3:]
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def next_shares(tokens: list[int]) -> Any:
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokens])).logits[0, -1].log_softmax(-1)


def choice(prompt: list[int], wanted: dict[str, Any]) -> dict[str, Any]:
    """One prompt's answer, by the likeliest token or by the one that is allowed."""
    made: list[int] = []
    told: dict[str, float] = {}
    while len(made) < wanted["max_tokens"] and not (made and made[-1] in wanted.get("stop_token_ids", [])):
        shares = next_shares([*prompt, *made])
        top = shares.topk(wanted.get("logprobs", 1)).indices.tolist()
        made.append(wanted.get("allowed_token_ids", top)[0])
        told = told or {f"token_id:{token}": float(shares[token]) for token in {made[0], *top}}
    return {"token_ids": made, "logprobs": {"top_logprobs": [told]}}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.say({"version": "stand-in"})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = [{"index": n, **choice(prompt, wanted)} for n, prompt in enumerate(wanted["prompt"])]
        self.say({"choices": found[::-1]})  # the order is told, not kept

    def say(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", int(options[options.index("--port") + 1])), Answer).serve_forever()
