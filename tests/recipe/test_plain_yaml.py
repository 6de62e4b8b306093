"""YAML as recipes read it: the core schema of YAML 1.2, whose examples are the truth here."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mambaad_cli.recipe.plain_yaml import YamlError, read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-2.5e+4", -25000.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("12", 12),
        ("-0", 0),
        ("+7", 7),
        ("01", "01"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("2024-01-01", "2024-01-01"),
        ("resnet34.bt_in1k", "resnet34.bt_in1k"),
        ("[1, 1e2, a]", [1, 100.0, "a"]),
        ("{a: {b: no}}", {"a": {"b": "no"}}),
        ('"01"', "01"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = read_yaml(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: 'a' stands twice"),
        ("x:\n  - {k: 1, k: 1}", "line 2, column 12: 'k' stands twice"),
        ("train: [", "line 1"),
        ("a: b: c", "line 1"),
        ("!!python/object:os.system {}", "line 1"),
        ("[a]: 1\n[a]: 2", "line 1"),
    ],
)
def test_errors_say_where(text: str, where: str) -> None:
    with pytest.raises(YamlError, match=where):
        read_yaml(text)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])) | st.sampled_from(
    ["01", "1e-3", "no", "null", "1:30", "0x10", "=", "<<", "2024-01-01", "", "true", "1_0", ".inf"]
)
VALUES = st.recursive(
    TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_back_by_this_and_by_other_readers(value: Any) -> None:
    text = write_yaml(value)
    assert read_yaml(text) == value
    assert yaml.safe_load(text) == value
