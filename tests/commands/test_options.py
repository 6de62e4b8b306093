"""What the options that several commands share do."""

from __future__ import annotations

import shlex
import sys

import pytest

from mambaad_cli.commands.options import same_command


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "latest", "--processes", "2"],
        ["train", "--sweep", "recipe=ablation/*", "model.kernels=[3, 5]", "data.dataset=folder:my parts"],
    ],
)
def test_the_same_command_means_the_same_to_a_shell(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mambaad", *words])
    assert shlex.split(same_command("go on").removeprefix("go on: ")) == ["mambaad", *words]
