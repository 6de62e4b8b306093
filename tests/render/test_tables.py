"""The table of metrics reads the same everywhere."""

import io

import pytest
from rich.console import Console

from mambaad_cli.metrics import METRICS
from mambaad_cli.render.tables import HEADERS, metrics_table, percent


def text(rows, encoding: str = "utf-8", **options) -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    Console(file=stream, width=80).print(metrics_table(rows, **options))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).splitlines()


def table(**values: float | None) -> dict[str, dict[str, float | None]]:
    return {category: dict.fromkeys(HEADERS, value) for category, value in values.items()}


def test_headers_cover_the_metrics_in_order() -> None:
    assert tuple(HEADERS) == (*METRICS, "mad")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.98765, "98.8"), (1.0, "100.0"), (0.0, "0.0"), (None, "-"), (float("nan"), "-")]
)
def test_percent(value: float | None, shown: str) -> None:
    assert percent(value) == shown


def test_mean_comes_last_below_a_rule() -> None:
    lines = text(table(mean=0.5, screw=0.25, grid=None), title="test")
    assert lines[0].strip() == "test"
    assert set(lines[5].strip()) == {"-"}
    assert lines[3].split() == ["screw", *["25.0"] * 8]
    assert lines[4].split() == ["grid", *["-"] * 8]
    assert lines[6].split() == ["mean", *["50.0"] * 8]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_fits_80_columns_in_any_encoding(encoding: str) -> None:
    lines = text(table(rolled_strip_base_x=1.0, mean=1.0), encoding)
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any(line.startswith("rolled_strip_base_x ") for line in lines)


def test_columns_can_be_chosen() -> None:
    lines = text(table(screw=0.25), columns=("pixel_aupro", "image_auroc"))
    assert lines[0].split() == ["category", "AUPRO", "I-AUROC"]


def test_brackets_in_a_category_are_text() -> None:
    assert text({"[bold]x": {"mad": 0.1}})[2].startswith("[bold]x")
