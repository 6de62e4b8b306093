"""What docs/datasets.md says is true."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data import registry
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.index import open_dataset

DOCS = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", registry.DATASETS)
def test_table(name: str) -> None:
    info = registry.DATASETS[name]
    row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == str(len(info.categories))
    assert cells[4] == info.licence
    if info.size:
        assert f"{info.size / 1e9:.1f} GB" in cells[5]
    if info.counts:
        train = sum(counts.train for counts in info.counts.values())
        test = sum(counts.test_normal + counts.test_anomalous for counts in info.counts.values())
        assert cells[3] == f"{train:,} train, {test:,} test"


def test_a_seventh_dataset(
    tree: Any, packed: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"    # mambaad_cli/data/datasets/bolts.py\n((?:    .*\n|\n)+)", DOCS)
    assert code is not None
    module = code[1].split("    # mambaad_cli/data/registry.py")[0]
    for category in ("m4", "m6"):
        tree.mvtec(category, normal="ok", defect="scratch")
    server.files["/bolts.zip"] = packed(tree.root, "bolts.zip").read_bytes()
    names: dict[str, Any] = {}
    exec(textwrap.dedent(module).replace("https://example.com", server.url), names)
    monkeypatch.setitem(registry.DATASETS, "bolts", names["INFO"])
    assert fetch("bolts", tmp_path)["counts"]["m4"] == {"train": 3, "test_normal": 2, "test_anomalous": 2}
    assert open_dataset("bolts", tmp_path, ["m6"]).samples("train")
