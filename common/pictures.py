"""Images: a handle that is compared by its pixels, and reading that survives whatever people have."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 40_000_000
FEWEST_SIDE = 8
BIT_DEPTHS = (8, 10, 12, 14, 16)
SUFFIXES = frozenset(".png .jpg .jpeg .bmp .tif .tiff .webp .gif .ppm .pgm".split())


class BadPicture(Exception):
    """Why an image file cannot be used."""


@dataclass(frozen=True)
class Picture:
    """An image by the hash of its pixels; `pixels` gives uint8 greys or RGB when they are needed."""

    hash: str
    pixels: Callable[[], np.ndarray] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.hash


def picture_of(pixels: np.ndarray, again: Callable[[], np.ndarray] | None = None) -> Picture:
    """A handle to pixels; with `again` they are read anew each time instead of being kept."""
    digest = hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes())
    return Picture(digest.hexdigest()[:16], again or (lambda: pixels))


def read_pixels(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels of an image file as greys or RGB, upright, 8 bits; and what was changed to get there."""
    if path.stat().st_size == 0:
        raise BadPicture("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                refuse_size(opened)
                return upright(opened)
    except Image.DecompressionBombError as error:
        raise BadPicture(f"more pixels than the {MOST_PIXELS:,} allowed") from error
    except UnidentifiedImageError as error:
        raise BadPicture("not an image that can be read") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadPicture(f"damaged or cut short: {error}") from error


def refuse_size(image: Image.Image) -> None:
    """Looks at the size in the header before any pixel is unpacked."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise BadPicture(f"{width} x {height} pixels, more than the {MOST_PIXELS:,} allowed")
    if min(width, height) < FEWEST_SIDE:
        raise BadPicture(f"{width} x {height} pixels, a side has fewer than {FEWEST_SIDE}")


def upright(image: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first frame, turned as its EXIF tag says, as 8-bit greys or RGB."""
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("several frames: the first was taken")
        image.seek(0)
    if image.getexif().get(0x0112, 1) != 1:
        notes.append("EXIF rotation: turned upright")
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return deep_greys(np.asarray(image), mode), (*notes, f"{mode}: scaled to 8 bits")
    if mode in ("L", "RGB"):
        return np.asarray(image).copy(), tuple(notes)
    if mode == "1":
        return np.asarray(image.convert("L")), (*notes, "black and white: read as greys")
    if mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return np.asarray(image.convert("RGB")), (*notes, f"{mode}: converted to RGB")


def deep_greys(values: np.ndarray, mode: str) -> np.ndarray:
    """Greys of more than 8 bits: divided by the smallest usual depth that holds the largest value."""
    values = np.nan_to_num(values.astype(np.float64))
    if mode == "F":
        low, high = float(values.min()), float(values.max())
        return np.rint(255 * (values - low) / max(high - low, 1e-12)).astype(np.uint8)
    depth = next((d for d in BIT_DEPTHS if values.max() < 2**d), 32)
    return np.clip(values / 2 ** (depth - 8), 0, 255).astype(np.uint8)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Greys of any picture."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels in another size; shrinking averages, so that thin lines do not fall between pixels."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))
