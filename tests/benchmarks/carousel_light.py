"""The light estimate across collections: trained on some, measured on each.

    python -m tests.benchmarks.carousel_light STREET PORTRAITS DRAWN [--samples 9000]

Each argument is a folder of collages of one origin. The estimate is trained on all folders but one, for each, and on
all; and measured on the held-out scenes of every folder, on variations like those of the training. Figures are the mean
gain in foreground PSNR over pasting, of people in another light, and the share made worse by more than 0.5 dB.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from carousel.fusion.light_estimate import MEMBERS, LightEstimate
from carousel.fusion.light_pretraining import Moments, collect_moments, squared_error, train_estimate
from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split
from carousel.Inference import STRENGTH
from tests.benchmarks.hardware import describe_machine

SIZE_PX, HELD_OUT_SHARE, SEED = 256, 0.1, 1
MEASURED_SHARE = 0.2  # samples to measure on, as a share of those to train on
OWN_ERROR = 2e-6  # mean squared error below which a person is in the own light
LEAST_ERROR = 1e-5  # 50 dB: what is better counts as this
WORSE_DB = 0.5


def main() -> None:
    """Print the table, a row for each estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--samples", type=int, default=9000, help="to train on, of each folder")
    arguments = parser.parse_args()
    print(f"{describe_machine()}, {arguments.samples} samples a folder, strength {STRENGTH:g}")
    names = [folder.name for folder in arguments.folders]
    learnt, measured = {}, {}
    for folder in arguments.folders:
        sides = split(load_entries(folder, SIZE_PX), HELD_OUT_SHARE)
        counts = arguments.samples, round(MEASURED_SHARE * arguments.samples)
        learnt[folder.name], measured[folder.name] = (
            collect_moments(AvatarFusionDataset(folder, side, SIZE_PX, True, seed), count, MEMBERS, workers=0)
            for side, count, seed in zip(sides, counts, (SEED, SEED + 1), strict=True)
        )
    print(f"{'trained on':40}" + "".join(f"{name:>20}" for name in names))
    print(f"{'nothing: pasting':40}" + "".join(f"{'0.00 dB, 0 %':>20}" for _ in names))
    for left_out in [*names, None]:
        known = [name for name in names if name != left_out]
        light = trained([learnt[name] for name in known])
        cells = [report(light, measured[name]) + (" *" if name == left_out else "  ") for name in names]
        print(f"{' + '.join(known):40}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    print("* a collection of which nothing was learnt")


def trained(parts: list[Moments]) -> LightEstimate:
    """An estimate that learnt these samples."""
    torch.manual_seed(SEED)
    light = LightEstimate()
    train_estimate(light, {name: torch.cat([part[name] for part in parts]) for name in parts[0]}, SEED)
    return light


@torch.no_grad()
def report(light: LightEstimate, data: Moments) -> str:
    """Mean gain and share made worse."""
    coefficients = STRENGTH * light(data["statistics"])
    moments = [data[name] for name in ("second", "cross", "power")]
    ours, pasted = (squared_error(one, *moments).numpy() for one in (coefficients, 0 * coefficients))
    relit = pasted > OWN_ERROR
    gain = 10 * np.log10(pasted[relit].clip(LEAST_ERROR) / ours[relit].clip(LEAST_ERROR))
    return f"{gain.mean():+.2f} dB, {(gain < -WORSE_DB).mean():.0%}"


if __name__ == "__main__":
    main()
