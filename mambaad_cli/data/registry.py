"""Every dataset that mambaad knows by name. A new one is a file in `datasets/` and a row here."""

from __future__ import annotations

from mambaad_cli.data.datasets import btad, mpdd, mvtec, real_iad, sample, uni_medical, visa
from mambaad_cli.data.info import DatasetInfo
from mambaad_cli.errors import UsageError, did_you_mean

DATASETS: dict[str, DatasetInfo] = {
    "mvtec": mvtec.INFO,
    "visa": visa.INFO,
    "mpdd": mpdd.INFO,
    "btad": btad.INFO,
    "real_iad": real_iad.INFO,
    "uni_medical": uni_medical.INFO,
    "sample": sample.INFO,
}


def find(name: str) -> DatasetInfo:
    """The dataset called `name`; `UsageError` with the nearest name when there is none."""
    if name in DATASETS:
        return DATASETS[name]
    raise UsageError(
        f"unknown dataset {name!r}{did_you_mean(name, DATASETS)}", f"datasets: {', '.join(DATASETS)}"
    )
