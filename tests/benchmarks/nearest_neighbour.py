"""A baseline without training: how far is each patch from the nearest normal patch, in the same features?

    nox -s bench -- nearest_neighbour --dataset mvtec --data-dir data --encoder tf_efficientnet_lite0

The three maps of the encoder are brought to stride 8, each scaled to unit length per pixel, and joined. All
patches of all training pictures, of every category together, are the memory; the anomaly map is the distance
of each test patch to the nearest of them, enlarged and smoothed exactly as for MambaAD.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mambaad_cli import console
from mambaad_cli.data.images import read_mask
from mambaad_cli.data.index import open_dataset
from mambaad_cli.data.store import ImageStore
from mambaad_cli.metrics.scores import category_metrics, mean_metrics
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.model.scoring import image_scores, smooth
from mambaad_cli.recipe import ModelConfig
from mambaad_cli.render.tables import metrics_table


@torch.inference_mode()
def patches(model: MambaAD, pictures: np.ndarray) -> Tensor:
    """Pictures (B, S, S, 3) -> patch features (B, S/8, S/8, C)."""
    fine, middle, coarse = (
        F.normalize(m, dim=1) for m in model.encoder(model.normalise(torch.from_numpy(pictures)))
    )
    fine = F.avg_pool2d(fine, 2)
    coarse = F.interpolate(coarse, size=middle.shape[2:], mode="bilinear")
    return torch.cat([fine, middle, coarse], dim=1).permute(0, 2, 3, 1)


@torch.inference_mode()
def nearest_distance(queries: Tensor, memory: Tensor) -> Tensor:
    """Euclidean distance of each query (Q, C) to the nearest row of memory (M, C): (Q,)."""
    best = torch.full((len(queries),), torch.inf)
    for part in memory.split(16384):
        squared = (queries**2).sum(1)[:, None] + (part**2).sum(1) - 2 * queries @ part.T
        best = torch.minimum(best, squared.amin(1))
    return best.clamp(min=0).sqrt()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="mvtec")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--encoder", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()

    index = open_dataset(options.dataset, options.data_dir)
    model = MambaAD(ModelConfig(encoder=options.encoder), pretrained=True).eval()
    train = ImageStore.open(index.root, index.samples("train"), options.size)
    memory = torch.cat([patches(model, train[[i]]).flatten(0, 2) for i in range(len(train))])
    results = {}
    for category in index.categories:
        samples = [sample for sample in index.samples("test") if sample.category == category]
        store = ImageStore.open(index.root, samples, options.size)
        maps = []
        for place in range(len(samples)):
            features = patches(model, store[[place]])
            distance = nearest_distance(features.flatten(0, 2), memory).view(1, 1, *features.shape[1:3])
            grown = F.interpolate(distance, size=(options.size,) * 2, mode="bilinear", align_corners=True)
            maps.append(smooth(grown[0], 4.0))
        scored = torch.cat(maps)
        masks = np.stack([read_mask(index.root / s.mask if s.mask else None, options.size) for s in samples])
        labels = np.array([sample.label for sample in samples])
        results[category] = category_metrics(scored.numpy(), masks, labels, image_scores(scored).numpy())
    rows = {
        name: {**r.values, "mad": r.mad} for name, r in {**results, "mean": mean_metrics(results)}.items()
    }
    title = f"nearest neighbour, {len(memory)} patches of {options.encoder}, {options.size} px, percent"
    console.stdout().print(metrics_table(rows, title))


if __name__ == "__main__":
    main()
