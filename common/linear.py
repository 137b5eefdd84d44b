"""A linear map on fixed vectors, for questions and documents apart: the cheapest tuning there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.metrics import ndcg
from common.progress import task
from common.retrieval import rank

FILE = "linear.safetensors"
EPOCHS = 12
BATCH = 128
LEARNING_RATES = (3e-4, 1e-3)
SCALE = 20.0
LARGEST_POOL = 20_000

Side = tuple[np.ndarray, list[list[int]]]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class LinearMap:
    """Two square matrices; at the start both are the identity."""

    query_matrix: np.ndarray
    document_matrix: np.ndarray
    steps: int = 0

    def queries(self, vectors: np.ndarray) -> np.ndarray:
        return unit(vectors @ self.query_matrix)

    def documents(self, vectors: np.ndarray) -> np.ndarray:
        return unit(vectors @ self.document_matrix)

    def scaled(self, share: float) -> "LinearMap":
        """A share of the way from the identity to this map."""
        parts = (self.query_matrix, self.document_matrix)
        identity = np.eye(len(self.query_matrix), dtype=self.query_matrix.dtype)
        return LinearMap(*(identity + share * (part - identity) for part in parts), self.steps)

    def parameters(self) -> int:
        return self.query_matrix.size + self.document_matrix.size

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        parts = {"query": self.query_matrix, "document": self.document_matrix}
        save_file({name: np.ascontiguousarray(part) for name, part in parts.items()}, folder / FILE)

    @staticmethod
    def stored_in(folder: Path) -> bool:
        return (folder / FILE).is_file()

    @classmethod
    def load(cls, folder: Path) -> "LinearMap":
        from safetensors.numpy import load_file

        tensors = load_file(folder / FILE)
        return cls(tensors["query"], tensors["document"])


def fit_linear(train: Side, val: Side, documents: np.ndarray, seed: int) -> LinearMap:
    """The map that was best on val over rates and epochs; the identity takes part."""
    train, passages = pooled(train, documents)
    identity = np.eye(documents.shape[1], dtype=np.float32)
    best = LinearMap(identity, identity)
    best_score = val_score(best, val, documents)
    with task("fitting the linear map", EPOCHS * len(LEARNING_RATES), "epochs") as work:
        for rate in LEARNING_RATES:
            for candidate in epochs(train, passages, rate, seed):
                score = val_score(candidate, val, documents)
                if score > best_score:
                    best, best_score = candidate, score
                work.advance()
    return best


def pooled(train: Side, documents: np.ndarray) -> tuple[Side, np.ndarray]:
    """Right documents and an even share of the others, so that large bases stay a matter of seconds."""
    if len(documents) <= LARGEST_POOL:
        return train, documents
    right = {row for answer in train[1] for row in answer}
    others = [row for row in range(len(documents)) if row not in right]
    kept = sorted(right) + others[:: -(-len(others) // LARGEST_POOL)]
    place = {row: position for position, row in enumerate(kept)}
    return (train[0], [[place[row] for row in answer] for answer in train[1]]), documents[kept]


def val_score(found: LinearMap, val: Side, documents: np.ndarray) -> float:
    """nDCG@10 on val over all documents."""
    vectors, answers = val
    if not len(vectors):
        return 0.0
    rankings = rank(
        found.queries(vectors),
        found.documents(documents),
        [str(i) for i in range(len(documents))],
        10,
    )
    return float(np.mean([ndcg(r.ids, [str(i) for i in a]) for r, a in zip(rankings, answers, strict=True)]))


def epochs(train: Side, documents: np.ndarray, rate: float, seed: int) -> Iterator[LinearMap]:
    """The map after each epoch of softmax over all documents, every other one taken as wrong."""
    import torch

    vectors, answers = train
    pairs = [(row, answer) for row, found in enumerate(answers) for answer in found]
    random = torch.Generator().manual_seed(seed)
    size = documents.shape[1]
    maps = [torch.eye(size).requires_grad_() for _ in range(2)]
    optimizer = torch.optim.Adam(maps, lr=rate)
    asked, passages = torch.from_numpy(vectors), torch.from_numpy(documents)
    target = torch.tensor(pairs)
    right = torch.zeros(len(vectors), len(documents), dtype=torch.bool)
    right[target[:, 0], target[:, 1]] = True
    steps = 0
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(pairs), generator=random).split(BATCH):
            rows, columns = target[chosen].T
            left = torch.nn.functional.normalize(asked[rows] @ maps[0], dim=1)
            over = torch.nn.functional.normalize(passages @ maps[1], dim=1)
            logits = SCALE * left @ over.T
            other = right[rows].clone()
            other[torch.arange(len(rows)), columns] = False
            loss = torch.nn.functional.cross_entropy(logits.masked_fill(other, -1e9), columns)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
        yield LinearMap(*(m.detach().numpy().copy() for m in maps), steps)
