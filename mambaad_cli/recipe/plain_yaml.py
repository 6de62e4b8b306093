"""YAML without its old traps: `1e-3` is a number, `no` and `01` are words, and a key stands only once.

PyYAML reads YAML 1.1, where `1e-3` is text, `no` is false, `010` is eight and `1:30` is ninety. Recipes
follow YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), but for octal and hexadecimal numbers.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml


class YamlError(ValueError):
    """The text is not YAML, or holds a key twice; the message says where."""


def read_yaml(text: str) -> Any:
    """The value that a YAML text means; None for an empty text.

    Raises:
        YamlError: broken YAML, or a key that stands twice.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(str(error)) from error


def write_yaml(value: Any) -> str:
    """YAML that `read_yaml` reads back to `value`; mappings keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """A SafeLoader: it makes plain data, never objects."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, or an error at the first key that stands twice."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            names = [key.value for key, _ in node.value]
            twice = next(key for key, _ in reversed(node.value) if names.count(key.value) > 1)
            raise yaml.MarkedYAMLError(problem=f"'{twice.value}' stands twice", problem_mark=twice.start_mark)
        return mapping


class _Dumper(yaml.SafeDumper):
    """Quotes text that a reader of YAML could take for something else."""


_WORDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}

_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _WORDS.items():
    for _tool in (_Loader, _Dumper):  # the dumper keeps the old traps too, and quotes for every reader
        _tool.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)
