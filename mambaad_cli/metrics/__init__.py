"""Seven metrics of one category, exact, from one sort of its pixels (see docs/metrics.md).

Pure NumPy and SciPy, usable without the rest of mambaad:

    from mambaad_cli.metrics.scores import category_metrics
    result = category_metrics(maps, masks, labels, image_scores)
    result.values["pixel_aupro"], result.mad
"""

from __future__ import annotations

IMAGE_METRICS = ("image_auroc", "image_ap", "image_f1max")
PIXEL_METRICS = ("pixel_auroc", "pixel_ap", "pixel_f1max", "pixel_aupro")
METRICS = IMAGE_METRICS + PIXEL_METRICS
"""The seven metrics in the order of the published tables; `mad` is their mean."""

PROTOCOLS = ("exact", "published")
"""`exact`: every distinct score is a threshold. `published`: the coarse grids of the published tables."""
