"""`mambaad scan-demo` from the command line, without any dataset or run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.scan import METHODS
from mambaad_cli.scan.kernels import KERNELS
from mambaad_cli.scan.locality import locality


def test_the_demo_needs_nothing_but_the_install(mambaad, tmp_path: Path) -> None:
    outcome = mambaad("scan-demo", "--out", tmp_path / "demo", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found["schema"] == "mambaad.scan-demo/1"
    assert found["shape"] == [128, 128]
    assert found["bit_equal"] == list(METHODS)
    for side in ("16", "32", "64"):
        assert list(found["locality"][side]) == list(METHODS)
    expected = locality("hilbert", 32, 32)
    assert found["locality"]["32"]["hilbert"]["near_share"] == expected.near_share
    assert {part["kernel"] for part in found["kernels"]} == set(KERNELS)
    for part in found["kernels"]:
        assert part["note"] or part["difference"] < 1e-5
    assert [Path(file).name for file in found["files"]] == ["walk.gif", "sequences.png", "paths.png"]
    with Image.open(found["files"][0]) as film:
        assert film.n_frames == 60


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 1, 3), np.uint8), ((900, 30, 3), np.uint8), ((7, 50), np.uint8), ((33, 20), np.uint16)],
)
def test_any_picture_will_do(mambaad, tmp_path: Path, shape: tuple[int, ...], kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
    Image.fromarray(pixels).save("part.png")
    outcome = mambaad("scan-demo", "part.png", "--webp")
    assert (outcome.code, outcome.err) == (0, "")
    assert "part.png, " in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out.isascii()
    assert sorted(path.name for path in Path("scan-demo").iterdir()) == [
        "paths.png",
        "sequences.png",
        "walk.webp",
    ]


def test_quiet_prints_the_film(mambaad, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save("part.png")
    assert mambaad("scan-demo", "part.png", "-q").out == f"{Path('scan-demo') / 'walk.gif'}\n"


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_missing_or_broken_picture_is_named(mambaad, content: bytes | None) -> None:
    if content is not None:
        Path("part.png").write_bytes(content)
    outcome = mambaad("scan-demo", "part.png")
    assert outcome.code == 3
    assert "part.png" in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("scan-demo").exists()


def test_influence_of_a_trained_run(mambaad, trained: Path, tmp_path: Path) -> None:
    picture = next((tmp_path / "parts" / "bolt" / "test").rglob("*.png"))
    outcome = mambaad("scan-demo", picture, "--influence", "39,0", "--run", trained, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json["influence"]
    assert (found["row"], found["column"]) == (15, 0)
    assert found["map"] == [16, 16]
    assert 0 <= found["radius_50"] <= found["radius_90"] <= 16 * 2**0.5
    assert Path(outcome.json["files"][-1]).name == "influence.png"
    assert Path(outcome.json["files"][-1]).is_file()


@pytest.mark.parametrize("pixel", ["12", "a,b", "-1,0", "²,0", "8,0", "0,8"])
def test_an_impossible_pixel_is_a_usage_error(mambaad, pixel: str) -> None:
    Image.new("RGB", (8, 8)).save("part.png")
    outcome = mambaad("scan-demo", "part.png", f"--influence={pixel}")
    assert outcome.code == 2
    assert f"--influence {pixel} is not" in outcome.err
    assert not Path("scan-demo").exists()


def test_influence_without_a_run_says_how_to_make_one(mambaad) -> None:
    Image.new("RGB", (8, 8)).save("part.png")
    outcome = mambaad("scan-demo", "part.png", "--influence", "1,1")
    assert outcome.code == 4
    assert "mambaad train" in outcome.err
