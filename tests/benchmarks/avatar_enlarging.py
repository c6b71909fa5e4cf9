"""Measures the error of enlarged avatars against avatars drawn at that size, compared with plain filters.

python -m tests.benchmarks.avatar_enlarging --count 20
"""

import argparse
import time

import numpy as np
from PIL import Image, ImageFilter

from avatar.demo_model.drawn_pictures import NATIVE_PX
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.picture_folder import character
from avatar.sdxl.upscaling import enlarge
from tests.benchmarks.hardware import describe_machine

SEED = 7_100_001
LARGE_PX = 1024
BLUR_PX = 1.2  # about what the demo model's autoencoder takes away


def main() -> None:
    """Print mean absolute errors, 0 to 255, and our seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    count = parser.parse_args().count
    print(f"{describe_machine()}; {count} drawn avatars, {NATIVE_PX} to {LARGE_PX} px")
    looks = [character(SEED, number)[0] for number in range(count)]
    wanted = [draw_avatar(look, LARGE_PX)[0].astype(float) for look in looks]
    for name, blur in (("sharp", 0.0), (f"blurred by {BLUR_PX} px", BLUR_PX)):
        small = [
            Image.fromarray(draw_avatar(look, NATIVE_PX)[0]).filter(ImageFilter.GaussianBlur(blur)) for look in looks
        ]
        errors = {}
        for kind in (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS):
            large = [picture.resize((LARGE_PX, LARGE_PX), kind) for picture in small]
            errors[kind.name.lower()] = mean_error(large, wanted)
        started = time.perf_counter()
        large = [enlarge(picture, LARGE_PX) for picture in small]
        seconds = (time.perf_counter() - started) / count
        errors["ours"] = mean_error(large, wanted)
        print(
            f"{name}: " + ", ".join(f"{kind} {error:.2f}" for kind, error in errors.items()) + f"; {seconds:.2f} s each"
        )


def mean_error(found: list[Image.Image], wanted: list[np.ndarray]) -> float:
    """Mean absolute error of the colours."""
    return float(np.mean([np.abs(np.asarray(a, float) - b).mean() for a, b in zip(found, wanted, strict=True)]))


if __name__ == "__main__":
    main()
