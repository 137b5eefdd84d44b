"""How well a map of suspicion finds the defect's place: every region counts alike, however small."""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import label
from sklearn.metrics import average_precision_score

STEPS = 200


def upscaled(found: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A coarse map in the size of its mask."""
    coarse = Image.fromarray(found.astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def aupro(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], limit: float = 0.3) -> float:
    """Area under per-region overlap against the share of sound pixels flagged, up to a limit, over the limit.

    A pixel is flagged when it lies strictly above the threshold, so a constant map finds nothing.
    """
    eight = np.ones((3, 3), int)
    regions = []
    for found, mask in zip(maps, masks, strict=True):
        places, count = label(mask, eight)
        regions += [np.sort(found[places == number]) for number in range(1, count + 1)]
    sound = np.sort(np.concatenate([f[~m] for f, m in zip(maps, masks, strict=True)]))[::-1]
    if not regions or not len(sound):
        return float("nan")
    shares = np.linspace(0, limit, STEPS + 1)
    thresholds = sound[np.minimum((shares * len(sound)).astype(int), len(sound) - 1)]
    overlap = np.zeros(len(shares))
    for region in regions:
        overlap += 1 - np.searchsorted(region, thresholds, side="right") / len(region)
    return float(np.trapezoid(overlap / len(regions), shares) / limit)


def pixel_precision(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """Average precision over pixels; its chance level is the share of bad pixels."""
    truth = np.concatenate([mask.ravel() for mask in masks])
    return float(average_precision_score(truth, np.concatenate([found.ravel() for found in maps])))
