"""Every dataset that mambaad knows by name. A new one is a file in `datasets/` and a row here."""

from __future__ import annotations

from collections.abc import Iterable

from mambaad_cli.data.datasets import btad, mpdd, mvtec, real_iad, sample, uni_medical, visa
from mambaad_cli.data.info import DatasetInfo
from mambaad_cli.errors import UsageError

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
    """The dataset called `name`; `UsageError` with the nearest names when there is none."""
    if name in DATASETS:
        return DATASETS[name]
    raise UsageError(f"unknown dataset {name!r}", suggest(name, DATASETS, "datasets"))


def suggest(name: str, known: Iterable[str], what: str) -> str:
    """A hint for a misspelt `name`: the nearest of the `known` names and the whole list."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name.lower(), names, n=3)
    guess = f"did you mean {' or '.join(repr(other) for other in near)}?\n" if near else ""
    return f"{guess}{what}: {', '.join(names)}"
