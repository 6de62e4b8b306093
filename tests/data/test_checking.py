"""Looking over any folder, and over what was fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data.checking import check, verify
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.recognise import recognise
from mambaad_cli.data.state import choose
from mambaad_cli.errors import DataError

Native = Callable[[str], Path]
NAMES = ["mvtec", "visa", "mpdd", "btad", "real_iad", "uni_medical"]


@pytest.mark.parametrize("name", NAMES)
def test_recognised_by_what_is_in_it(native: Native, tmp_path: Path, name: str) -> None:
    folder = native(name).rename(tmp_path / "anything")
    found = check(folder)
    assert found.info.key == name
    assert found.problems == []


def test_an_archive_is_recognised_by_its_hash(
    native: Native, packed: Any, served: Any, tmp_path: Path
) -> None:
    archive = packed(native("btad"), "a.zip")
    assert recognise(archive) is None
    served("btad", archive)
    found = recognise(archive.rename(tmp_path / "download(3)"))
    assert found is not None
    assert found.key == "btad"


def test_every_problem_of_a_folder(tree: Any) -> None:
    tree.mvtec("nut", train=4)
    (tree.root / "nut/train/good/000.png").write_bytes(b"")
    (tree.root / "nut/train/good/001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tree.root / "nut/ground_truth/cut/001_mask.png").unlink()
    tree.mask("nut/ground_truth/cut/000_mask.png", size=(5, 7))
    tree.picture("nut/test/dent/000.png")
    tree.mask("nut/ground_truth/dent/000_mask.png", value=0)
    problems = check(tree.root).problems
    assert len(problems) == 5
    for problem, part in zip(
        problems,
        [
            "no mask for the anomalous picture nut/test/cut/001.png",
            "(0 bytes)",
            "cannot be read",
            "5 x 7",
            "no pixel",
        ],
        strict=True,
    ):
        assert part in problem


def test_check_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        check(tmp_path / "nowhere")


def test_a_folder_that_is_nothing(tmp_path: Path) -> None:
    assert check(tmp_path).problems == [
        "neither this folder nor one in it has train/good/ or good/, and there is no meta.json"
    ]


class TestVerify:
    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_changed(self, native: Native, tmp_path: Path, name: str) -> None:
        fetch(name, tmp_path, source=native(name))
        assert verify(name, tmp_path).problems == []

    def test_what_was_chosen_is_verified(self, native: Native, tmp_path: Path) -> None:
        fetch(choose("real_iad", "1024", ("C2",)), tmp_path, source=native("real_iad"))
        assert verify("real_iad", tmp_path).problems == []

    def test_linked(self, native: Native, tmp_path: Path) -> None:
        folder = native("mvtec")
        fetch("mvtec", tmp_path, source=folder, link=True)
        assert verify("mvtec", tmp_path).problems == []
        (folder / "grid/train/good/000.png").unlink()
        assert (
            verify("mvtec", tmp_path)
            .problems[0]
            .startswith("grid/train/good/000.png cannot be read any more")
        )

    def test_changes_are_named(self, native: Native, tmp_path: Path, tree: Any) -> None:
        fetch("mvtec", tmp_path, source=native("mvtec"))
        home = tmp_path / "mvtec"
        (home / "license.txt").write_text("another licence")
        (home / "grid/train/good/000.png").unlink()
        (home / "grid/train/good/001.png").write_bytes((home / "grid/train/good/002.png").read_bytes())
        (home / "bottle/train/good/new.png").write_bytes((home / "grid/train/good/002.png").read_bytes())
        problems = verify("mvtec", tmp_path).problems
        assert len(problems) == 5
        assert "license.txt has changed since it was fetched" in problems
        assert "grid/train/good/001.png has changed since it was fetched" in problems
        assert "category 'bottle' has not the pictures that were fetched" in problems
        assert "category 'grid' has not the pictures that were fetched" in problems

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError) as caught:
            verify("mvtec", tmp_path)
        assert caught.value.hint == "get it: mambaad fetch mvtec"

    def test_hashes_are_in_the_form_of_sha256sum(self, native: Native, tmp_path: Path) -> None:
        import hashlib

        fetch("mvtec", tmp_path, source=native("mvtec"))
        lines = (tmp_path / "mvtec/.mambaad/files.sha256").read_text().splitlines()
        assert len(lines) == 2 * (3 + 2 + 2 + 2) + 2
        for line in lines:
            digest, name = line.split("  ")
            assert hashlib.sha256((tmp_path / "mvtec" / name).read_bytes()).hexdigest() == digest
