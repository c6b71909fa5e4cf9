"""How well the unsureness of proposed masks matches their error, by set, beside unsureness that is the same for all.

python -m tests.benchmarks.masks_unsureness
"""

import numpy as np

from masks.model.checkpoint_format import load_network
from masks.model.inference import predict_probabilities
from masks.model.layered_pairs import contested_share
from masks.model.mask_threshold import calibrated_unsureness, threshold_mask
from masks.model.metrics import f1_score
from masks.sets.pairs import read_pair, read_true_mask
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import CPU, real_sets

SHARE = 1 / 4  # of the frames: how many of the worst are among the most unsure


def main() -> None:
    """Print the mean unsureness and error of each set, and the share of the worst frames that unsureness finds."""
    print(describe_machine())
    network = load_network("mask_model.pth")[0].to(CPU)
    all_unsure: list[float] = []
    all_errors: list[float] = []
    print(f"{'set':<18}{'unsureness':>12}{'1 - F1':>10}{'factor':>8}{'found':>8}")
    for name, frame_set in real_sets().items():
        pairs = [read_pair(pair) for pair in frame_set.pairs]
        found = list(predict_probabilities(network, pairs, CPU))
        unsure = [calibrated_unsureness(p, contested_share(*pair, p)) for p, pair in zip(found, pairs, strict=True)]
        truths = [read_true_mask(pair) for pair in frame_set.pairs]
        errors = [1 - f1_score(threshold_mask(p), truth) for p, truth in zip(found, truths, strict=True)]
        factor = np.mean(unsure) / np.mean(errors)
        shown = f"{np.mean(unsure):>12.4f}{np.mean(errors):>10.4f}{factor:>8.2f}{found_share(unsure, errors):>8.0%}"
        print(f"{name:<18}{shown}", flush=True)
        all_unsure += unsure
        all_errors += errors
    print(f"{'all frames':<18}{'':>30}{found_share(all_unsure, all_errors):>8.0%}  (by chance {SHARE:.0%})")


def found_share(unsure: list[float], errors: list[float]) -> float:
    """Share of the worst frames that are among as many most unsure ones."""
    count = max(1, round(SHARE * len(errors)))
    return len({*np.argsort(errors)[-count:]} & {*np.argsort(unsure)[-count:]}) / count


if __name__ == "__main__":
    main()
