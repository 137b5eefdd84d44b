"""The image tuner on tiny models from config: every method, reloading, hub-shaped folders, no torchvision."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

from common import config, models, vision
from common.errors import GalleryError
from common.job import Job
from common.methods import REGISTRY
from common.pictures import picture_of
from common.tuners import vision as tuner
from common.usecase import Example, Splits, find
from common.vision_rivals import linear, nearest

LABELS = ("good", "bright", "dark")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders as `save_pretrained` writes them, a few thousand weights each."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("bases")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
    made = {
        "resnet": ResNetModel(
            ResNetConfig(
                num_channels=2,
                embedding_size=8,
                hidden_sizes=[16, 32],
                depths=[1, 1],
                layer_type="bottleneck",
            )
        ),
        "vit": ViTModel(ViTConfig(**small, patch_size=8, intermediate_size=32)),
        "dinov2": Dinov2Model(Dinov2Config(**small, patch_size=8, mlp_ratio=2)),
    }
    for name, model in made.items():
        model.save_pretrained(root / name)
        if name != "resnet":
            ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(root / name)
    return {name: root / name for name in made}


def example(number: int, split: str) -> Example:
    random = np.random.default_rng([number, len(split)])
    label = LABELS[number % 3]
    pixels = random.integers(90, 150, (32, 32)).astype(np.uint8)
    if label != "good":
        row, column = random.integers(4, 20, 2)
        pixels[row : row + 8, column : column + 8] = 250 if label == "bright" else 5
    return Example(f"{split}-{number}", f"{split}-{number}", picture_of(pixels), label)


SPLITS = Splits(
    *(tuple(example(n, s) for n in range(c)) for s, c in (("train", 60), ("val", 24), ("test", 30)))
)


def job_for(base: Path, folder: Path, **settings: object) -> Job:
    usecase = find("surface_defects")
    wanted = {"epochs": 2, "batch_size": 16, "image_pixels": 32, "learning_rate": 0.01, **settings}
    built = config.RunConfig(usecase="surface_defects", tuner="vision", **wanted)
    return Job(usecase, SPLITS, built, models.local_base(str(base), base, "ours"), 0, folder)


@pytest.mark.parametrize("method", [m.name for m in REGISTRY.values() if "vision" not in dict(m.refused)])
def test_every_method_tunes_and_answers_the_same_after_reloading(
    bases: dict[str, Path], tmp_path: Path, method: str
) -> None:
    job = job_for(bases["resnet"], tmp_path, method=method)
    facts = tuner.fit(job)
    assert 0 < facts["trainable_parameters"] and not facts["diverged"]
    first = tuner.predict(job, SPLITS.test)
    again = tuner.predict(replace(job, shared={}), SPLITS.test)
    assert [o.value for o in first] == [o.value for o in again]
    assert set(first[0].value["scores"]) == set(LABELS)


def test_training_learns_and_permuted_labels_teach_nothing(bases: dict[str, Path], tmp_path: Path) -> None:
    found = {}
    answers = [e.answer for e in SPLITS.train]
    mixed = [answers[i] for i in np.random.default_rng(1).permutation(len(answers))]
    for name, labels in (("right", answers), ("mixed", mixed)):
        train = tuple(replace(e, answer=a) for e, a in zip(SPLITS.train, labels, strict=True))
        job = job_for(bases["resnet"], tmp_path / name, method="full", epochs=10)
        job = replace(job, splits=replace(SPLITS, train=train, val=()))
        tuner.fit(job)
        outputs = tuner.predict(job, SPLITS.test)
        found[name] = np.mean(
            [o.value["label"] == e.answer for o, e in zip(outputs, SPLITS.test, strict=True)]
        )
    assert found["right"] > 0.8 > 0.65 > found["mixed"]


def test_lora_trains_the_head_and_what_keeps_statistics(bases: dict[str, Path], tmp_path: Path) -> None:
    model = tuner.prepared(job_for(bases["resnet"], tmp_path, method="lora"))
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    for part in ("lora_A", "classifier", "normalization"):
        assert any(part in name for name in trained)
    fixed = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert any("convolution.base_layer" in name for name in fixed)


@pytest.mark.parametrize("name", ["vit", "dinov2"])
def test_transformers_of_version_five_tune_by_their_own_names(
    bases: dict[str, Path], tmp_path: Path, name: str
) -> None:
    job = job_for(bases[name], tmp_path, method="lora", lora_targets=("q_proj", "v_proj"))
    model = tuner.prepared(job)
    beside = {n.split(".lora_A")[0].rsplit(".", 1)[-1] for n, _ in model.named_parameters() if "lora_A" in n}
    assert beside == {"q_proj", "v_proj"}
    tuner.fit(job)
    assert len(tuner.predict(job, SPLITS.test)) == len(SPLITS.test)
    assert vision.maps(model.get_base_model(), tuner.view_of(job), [SPLITS.test[0].inputs]).shape[1:3] == (
        4,
        4,
    )


def test_pictures_keep_their_proportions_unless_the_model_says_otherwise(bases: dict[str, Path]) -> None:
    tall = [picture_of(np.zeros((40, 24), np.uint8))]
    resnet, vit = (models.local_base(str(bases[n]), bases[n], "") for n in ("resnet", "vit"))
    assert vision.view_for(resnet, tall, 80) == vision.View(80, 48, 2)
    view = vision.view_for(vit, tall, 80)
    assert (view.height, view.width, view.channels) == (32, 32, 3)
    assert view.tensor([view.shrunk(tall[0])]).shape == (1, 3, 32, 32)


def test_brightness_of_the_light_leaves_the_second_channel_alone() -> None:
    view = vision.View(16, 16, 2)
    pixels = np.random.default_rng(0).integers(40, 90, (16, 16)).astype(np.uint8)
    dim, bright = view.tensor([pixels, 2 * pixels])
    assert torch.allclose(dim[1], bright[1], atol=0.02) and not torch.allclose(dim[0], bright[0], atol=0.1)


def test_rivals_answer_with_every_label(bases: dict[str, Path], tmp_path: Path) -> None:
    job = job_for(bases["resnet"], tmp_path)
    for rival in (nearest, linear):
        outputs = rival(job, SPLITS.test)
        assert [o.id for o in outputs] == [e.id for e in SPLITS.test]
        assert sum(outputs[0].value["scores"].values()) == pytest.approx(1, abs=1e-3)


def test_heat_points_at_the_reason(bases: dict[str, Path], tmp_path: Path) -> None:
    job = job_for(bases["resnet"], tmp_path, method="full", epochs=10)
    tuner.fit(job)
    bright = [e for e in SPLITS.test if e.answer == "bright"]
    heat = vision.heat(tuner.load_tuned(job), tuner.view_of(job), [e.inputs for e in bright], 2)
    assert heat.shape == (len(bright), 8, 8) and (heat >= 0).all() and heat.max() > 0


@pytest.mark.parametrize("method", ["freeze", "prefix", "prompt"])
def test_methods_without_a_place_in_images_are_refused(method: str) -> None:
    from common.methods import find as find_method

    with pytest.raises(GalleryError, match="vision"):
        find_method(method, "vision")


def test_the_embedded_backbone_is_whole_and_small() -> None:
    base = models.resolve("embedded", None, "vision")
    size = sum(path.stat().st_size for path in Path(base.path).glob("*.safetensors"))
    assert base.id == "embedded:gallery-vision" and size <= 8_000_000
    model = vision.load_image_classifier(base, LABELS, False)
    stored = ResNetModel.from_pretrained(base.path).state_dict()
    assert all(torch.equal(model.resnet.state_dict()[name], value) for name, value in stored.items())


def test_nothing_imports_torchvision() -> None:
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import common.tuners.vision, common.vision, common.vision_rivals, common.pictures\n"
        "from common import models, vision\n"
        "base = models.resolve('embedded', None, 'vision')\n"
        "vision.load_image_classifier(base, ['a', 'b'], False)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1], timeout=120)
