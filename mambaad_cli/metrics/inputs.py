"""What the metrics accept, and the reason where a category cannot have a metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.metrics import METRICS, PROTOCOLS
from mambaad_cli.metrics.ranking import Array


@dataclass(frozen=True)
class Category:
    """The n pictures of a category: four arrays that fit together.

    Attributes:
        maps: (n, H, W) anomaly maps, possibly memory-mapped.
        masks: (n, H, W) bool, True on the defect.
        anomalous: (n,) bool, the label of the picture.
        defect: (n,) bool, whether the mask has a pixel; only where the picture is anomalous.
        scores: (n,) image scores.
    """

    maps: Array
    masks: Array
    anomalous: Array
    defect: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.anomalous)

    @classmethod
    def checked(cls, maps: Array, masks: Array, labels: Array, scores: Array) -> Category:
        """Check the arrays of `category_metrics`; DataError where they do not describe the same pictures."""
        maps, masks, labels, scores = map(np.asarray, (maps, masks, labels, scores))
        _check_shapes(maps.shape, masks.shape, labels.shape, scores.shape)
        if not np.isin(labels, (0, 1)).all():
            raise DataError("a label is neither 0 (normal) nor 1 (anomalous)")
        masks = masks if masks.dtype == bool else masks != 0
        anomalous = labels.astype(bool)
        defect = np.array([mask.any() for mask in masks], bool)
        if (wrong := np.flatnonzero(defect & ~anomalous)).size:
            raise DataError(f"picture {wrong[0]} is labelled normal but its mask shows a defect")
        return cls(maps, masks, anomalous, defect, scores)

    def labelled_by_mask(self) -> Category:
        """The same category with a picture called anomalous only if its mask has a pixel."""
        return Category(self.maps, self.masks, self.defect, self.defect, self.scores)

    @property
    def pictures(self) -> Sequence[int]:
        """The pictures whose pixels have a known truth: not the anomalous ones with an empty mask."""
        return np.flatnonzero(self.defect | ~self.anomalous).tolist()

    def no_image_metrics(self) -> str | None:
        """Why the image metrics are not defined; None where they are."""
        if not self.anomalous.any():
            return "no anomalous pictures"
        if self.anomalous.all():
            return "no normal pictures"
        return _not_finite(self.scores, "image scores")

    def no_pixel_metrics(self) -> str | None:
        """Why the pixel metrics are not defined; None where they are."""
        if not self.anomalous.any():
            return "no anomalous pictures"
        if not self.defect.any():
            return "every mask is empty"
        if all(self.masks[picture].all() for picture in self.pictures):
            return "no normal pixels"
        return _not_finite(self.maps, "maps")


def check_options(
    metrics: Iterable[str], protocol: str = "exact", fpr_limit: float = 0.3, connectivity: int = 8
) -> tuple[str, ...]:
    """The metrics asked for, in the order of `METRICS`; UsageError for what does not exist."""
    wanted = {metrics} if isinstance(metrics, str) else set(metrics)
    if unknown := sorted(wanted - set(METRICS)):
        raise UsageError(f"unknown metric: {', '.join(unknown)}", f"choose from {', '.join(METRICS)}")
    if protocol not in PROTOCOLS:
        raise UsageError(f"unknown protocol: {protocol}", f"choose from {', '.join(PROTOCOLS)}")
    if not 0 < fpr_limit <= 1:
        raise UsageError(f"the FPR limit of AUPRO is {fpr_limit}", "choose a number above 0, at most 1")
    if connectivity not in (4, 8):
        raise UsageError(f"the connectivity of regions is {connectivity}", "choose 4 or 8")
    return tuple(name for name in METRICS if name in wanted)


def _check_shapes(
    maps: tuple[int, ...], masks: tuple[int, ...], labels: tuple[int, ...], scores: tuple[int, ...]
) -> None:
    if (len(maps), len(masks), len(labels), len(scores)) != (3, 3, 1, 1) or maps[1:] != masks[1:]:
        raise DataError(
            "expected maps and masks (n, H, W), labels and image scores (n,), "
            f"but got {maps}, {masks}, {labels}, {scores}"
        )
    if len({maps[0], masks[0], labels[0], scores[0]}) > 1:
        raise DataError(
            f"{maps[0]} maps, {masks[0]} masks, {labels[0]} labels and {scores[0]} image scores "
            "cannot belong to the same pictures"
        )


def _not_finite(arrays: Array, name: str) -> str | None:
    """Why these n arrays cannot be ranked: how many hold NaN or infinity, and which is the first."""
    with np.errstate(invalid="ignore"):
        bad = [i for i, a in enumerate(arrays) if not (np.isfinite(np.min(a)) and np.isfinite(np.max(a)))]
    return (
        f"{len(bad)} of {len(arrays)} {name} hold NaN or infinity (first: picture {bad[0]})" if bad else None
    )
