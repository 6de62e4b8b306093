"""Connected regions of the masks, and the area under the per-region overlap curve (AUPRO), exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mambaad_cli.metrics.ranking import Array, Integers, Ranking, rank_blocks

BLOCK = 1 << 24
"""Pixels that are sorted together: bounds the working memory (64 MB of float32)."""

_NEIGHBOURS = {4: ndimage.generate_binary_structure(2, 1), 8: ndimage.generate_binary_structure(2, 2)}


@dataclass(frozen=True)
class DefectPixels:
    """The P anomalous pixels of a category and its R regions.

    Attributes:
        scores: (P,) anomaly scores.
        region: (P,) region of each pixel, 0..R-1 over all pictures.
        share: (P,) what each pixel is of its region: 1 / the region's pixels.
        picture: (R,) picture of each region.
    """

    scores: Array
    region: Integers
    share: Array
    picture: Integers


@dataclass(frozen=True)
class PixelRanking:
    """The pixels of a category, ranked once for all four pixel metrics.

    Attributes:
        ranking: anomalous against normal pixels.
        overlap: (K,) what each of the K thresholds adds to the mean over regions of the share that is found;
            sums to 1.
    """

    ranking: Ranking
    overlap: Array


def label_regions(mask: Array, connectivity: int = 8) -> tuple[Integers, int]:
    """Number the connected regions of one mask.

    Args:
        mask: (H, W) bool, not empty.
        connectivity: 8 (sides and corners touch) or 4 (sides only).

    Returns:
        The region, from 0, of each anomalous pixel in raster order (mask.sum(),), and the number of regions.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    labels, count = ndimage.label(box, _NEIGHBOURS[connectivity])
    return labels[box] - 1, count


def defect_pixels(maps: Array, masks: Array, pictures: Iterable[int], connectivity: int = 8) -> DefectPixels:
    """Collect the anomalous pixels of some of n pictures; maps and masks are (n, H, W), masks bool."""
    scores: list[Array] = []
    regions: list[Array] = []
    owners: list[int] = []
    for picture in pictures:
        mask = masks[picture]
        if mask.any():
            region, count = label_regions(mask, connectivity)
            scores.append(maps[picture][mask])
            regions.append(region + len(owners))
            owners += [picture] * count
    region = np.concatenate(regions)
    share = 1 / np.bincount(region)
    return DefectPixels(np.concatenate(scores), region, share[region], np.array(owners))


def rank_pixels(maps: Array, masks: Array, pictures: Sequence[int], connectivity: int = 8) -> PixelRanking:
    """Rank the pixels of some of n pictures.

    Args:
        maps: (n, H, W) finite, possibly memory-mapped: read picture by picture, twice.
        masks: (n, H, W) bool, True on the defect.
        pictures: which of the n; they need at least one pixel of each kind.
        connectivity: 8 or 4, as in `label_regions`.
    """
    pixels = defect_pixels(maps, masks, pictures, connectivity)
    ranking, index = rank_blocks(pixels.scores, _blocks(maps, pictures))
    return PixelRanking(ranking, np.bincount(index, pixels.share) / len(pixels.picture))


def aupro(pixels: PixelRanking, fpr_limit: float = 0.3) -> float:
    """Area under the per-region overlap curve up to a false-positive rate, divided by that rate.

    The curve has a point at every distinct score t, joined by straight lines from (0, 0):
    x = share of the normal pixels of all pictures with score >= t, y = mean over all regions of the share
    of the region's pixels with score >= t. The segment that crosses `fpr_limit` is cut there. Not the
    form with a grid of thresholds, and not rescaled to the largest rate that a grid happens to meet.

    The area is summed by thresholds instead of segments: each threshold lifts the curve by its `overlap`,
    linearly while x runs from `start` to `end` (the normal pixels tied with it), and the lift then lasts to
    the limit.
    """
    ranking = pixels.ranking
    start = np.minimum(ranking.above / ranking.negatives, fpr_limit)
    end = np.minimum((ranking.above + ranking.equal) / ranking.negatives, fpr_limit)
    rise = np.maximum(ranking.equal, 1) / ranking.negatives
    area = (end - start) ** 2 / (2 * rise) + (fpr_limit - end)
    return float(pixels.overlap @ area) / fpr_limit


def _blocks(maps: Array, pictures: Sequence[int]) -> Iterator[Array]:
    """The scores of all pixels, some pictures at a time, in one buffer: a block is valid until the next."""
    size = maps[0].size
    at_once = min(len(pictures), max(1, BLOCK // size))
    buffer = np.empty((at_once, size), maps.dtype)
    for first in range(0, len(pictures), at_once):
        chosen = pictures[first : first + at_once]
        for row, picture in zip(buffer, chosen, strict=False):
            row[:] = maps[picture].ravel()
        yield buffer[: len(chosen)].ravel()
