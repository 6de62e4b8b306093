"""How fast are the seven metrics of one category, and how exact, next to the usual ways?

    python tests/benchmarks/metrics.py
    python tests/benchmarks/metrics.py --quick --runs 15 --bootstrap 200

`ours` is `category_metrics`. `usual` is what the public evaluation does, written anew: scikit-learn for
AUROC and average precision, a loop over 21 thresholds for the pixel F1, a loop over 100 thresholds for AUPRO
that finds the regions of every mask at every threshold. `usual, regions once` is the same without that waste.
`adeval` is the package of that name on the CPU (`pip install adeval`; left out where it is missing): five of
the seven metrics, by 1000 bins.

All in one process on one synthetic category, the ways in turn, medians over the rounds. `seconds` are of the
clock, `cpu` of the processor, which a busy machine disturbs less; `ratio` compares the latter.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.measure import label, regionprops
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from mambaad_cli.metrics import METRICS
from mambaad_cli.metrics.bootstrap import bootstrap
from mambaad_cli.metrics.scores import category_metrics

Category = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Values = dict[str, float]


def draw_category(pictures: int, size: int, contrast: float, seed: int = 0) -> Category:
    """A quarter normal pictures; one to three rectangular defects in each of the others; smooth noise."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((pictures, size, size), bool)
    for mask in masks[pictures // 4 :]:
        for _ in range(rng.integers(1, 4)):
            y, x = rng.integers(0, size, 2)
            height, width = rng.integers(2, size // 5, 2)
            mask[y : y + height, x : x + width] = True
    maps = np.stack([gaussian_filter(rng.normal(size=mask.shape) * 3 + contrast * mask, 4) for mask in masks])
    labels = (np.arange(pictures) >= pictures // 4).astype(int)
    return maps.astype(np.float32), masks, labels, maps.max((1, 2)).astype(np.float32)


def ours(category: Category) -> Values:
    return {name: value for name, value in category_metrics(*category).values.items() if value is not None}


def usual(category: Category, regions_once: bool = False) -> Values:
    maps, masks, labels, scores = category
    flat, truth = maps.ravel(), masks.ravel()
    precision, recall, _ = precision_recall_curve(labels, scores)
    return {
        "image_auroc": roc_auc_score(labels, scores),
        "image_ap": average_precision_score(labels, scores),
        "image_f1max": np.max(2 * precision * recall / (precision + recall + 1e-7)),
        "pixel_auroc": roc_auc_score(truth, flat),
        "pixel_ap": average_precision_score(truth, flat),
        "pixel_f1max": loop_f1_max(flat, truth),
        "pixel_aupro": loop_aupro(maps, masks, regions_once),
    }


def loop_f1_max(scores: np.ndarray, truth: np.ndarray) -> float:
    unit = (scores - scores.min()) / (scores.max() - scores.min())
    best = 0.0
    for step in range(21):
        called = unit > step / 20
        found = np.logical_and(called, truth).sum()
        best = max(best, 2 * found / (called.sum() + truth.sum()))
    return best


def loop_aupro(maps: np.ndarray, masks: np.ndarray, regions_once: bool, steps: int = 100) -> float:
    def coordinates() -> list[list[np.ndarray]]:
        return [[region.coords for region in regionprops(label(mask))] for mask in masks]

    known = coordinates() if regions_once else None
    low, high = float(maps.min()), float(maps.max())
    rates, overlaps = [], []
    for step in range(steps):
        called = maps > low + step * (high - low) / steps
        shares = [
            picture[tuple(pixels.T)].mean()
            for picture, regions in zip(called, known or coordinates(), strict=True)
            for pixels in regions
        ]
        rates.append(np.logical_and(called, ~masks).sum() / (~masks).sum())
        overlaps.append(np.mean(shares))
    rate, overlap = np.array(rates), np.array(overlaps)
    kept = rate < 0.3
    return auc((rate[kept] - rate[kept].min()) / np.ptp(rate[kept]), overlap[kept])


def adeval_metrics(category: Category) -> Values:
    if not hasattr(np, "trapz"):  # adeval 1.1 calls NumPy's function by the name it had before 2.4
        np.trapz = np.trapezoid
    from adeval import EvalAccumulator

    maps, masks, labels, scores = category
    low, high = float(maps.min()), float(maps.max())
    accumulator = EvalAccumulator(float(scores.min()), float(scores.max()), low, high)
    accumulator.add_anomap_batch(maps, masks.astype(np.uint8))
    accumulator.add_image(scores, labels)
    accumulator.add_sample(scores, labels)
    found = accumulator.summary()
    names = {"i_auroc": "image_auroc", "i_aupr": "image_ap"}
    names |= {"p_auroc": "pixel_auroc", "p_aupr": "pixel_ap", "p_aupro": "pixel_aupro"}
    return {name: float(found[key]) for key, name in names.items()}


@dataclass
class Timing:
    """The runs of one way: seconds of the clock, seconds of the processor, and the last result."""

    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    values: Values = field(default_factory=dict)

    def run(self, function: Callable[[], Values]) -> None:
        start = time.perf_counter(), time.process_time()
        self.values = function()
        self.clock.append(time.perf_counter() - start[0])
        self.cpu.append(time.process_time() - start[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=83)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--contrast", type=float, default=1.0, help="how far defects stand out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="leave out the usual ways")
    parser.add_argument("--bootstrap", type=int, default=0, metavar="N", help="time N resamples too")
    options = parser.parse_args()

    category = draw_category(options.pictures, options.size, options.contrast)
    share = category[1].mean()
    print(f"{options.pictures} pictures of {options.size} x {options.size}, {share:.1%} anomalous pixels")
    ways: dict[str, Callable[[], Values]] = {"ours": lambda: ours(category)}
    if not options.quick:
        ways["usual, regions once"] = lambda: usual(category, regions_once=True)
        ways["usual"] = lambda: usual(category)
    try:
        adeval_metrics(category)
        ways["adeval"] = lambda: adeval_metrics(category)
    except ImportError:
        print("adeval is not installed")

    ours(category)
    timings = {way: Timing() for way in ways}
    for _ in range(options.runs):
        for way, function in ways.items():
            timings[way].run(function)
    unit = median(timings["ours"].cpu)
    print(f"{'':20} {'seconds':>8} {'cpu':>8} {'ratio':>6}  " + " ".join(f"{name:>11}" for name in METRICS))
    for way, timing in timings.items():
        cpu = median(timing.cpu)
        shown = [f"{100 * timing.values[n]:11.6f}" if n in timing.values else " " * 11 for n in METRICS]
        print(f"{way:20} {median(timing.clock):8.3f} {cpu:8.3f} {cpu / unit:6.1f}  " + " ".join(shown))
    for n in [1, options.bootstrap] if options.bootstrap else []:
        timing = Timing()
        timing.run(lambda n=n: bootstrap(*category, n=n).samples)
        what = "first call, compiles" if n == 1 else f"{n} resamples"
        print(f"bootstrap, {what}: {timing.clock[0]:.3f} s, cpu {timing.cpu[0]:.3f} s")


if __name__ == "__main__":
    main()
