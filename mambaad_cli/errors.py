"""The errors a user can meet. Each says what went wrong, and its hint says what to do next.

MambaadError            1   something unexpected
├── UsageError          2   wrong command line
│   └── RecipeError     2   wrong recipe or override
├── DataError           3   data missing, corrupt or unreadable
├── RunError            4   run or checkpoint missing or incompatible
├── DeviceError         5   device, memory or an extra that is not installed
├── NetworkError        6   network failure: a retry makes sense
├── Finding            10   what was asked to be found was found
└── Interrupted       130   stopped by the user
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MambaadError(Exception):
    """Base of all errors that are shown without a traceback.

    Args:
        message: what went wrong and where (file, key, category), in one or a few lines.
        hint: the next command or the remedy; may hold several lines.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MambaadError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe or an override has an unknown key or an impossible value."""


class DataError(MambaadError):
    """A dataset, picture or mask is missing, corrupt or unreadable."""

    exit_code = 3


class RunError(MambaadError):
    """A run or its checkpoint is missing, damaged or made with another recipe."""

    exit_code = 4


class DeviceError(MambaadError):
    """A device, its memory or an optional dependency is not there."""

    exit_code = 5


class NetworkError(MambaadError):
    """Something could not be downloaded."""

    exit_code = 6


class Finding(MambaadError):
    """The thing that a script asked to be told about was found, for example a defect."""

    exit_code = 10


class Interrupted(MambaadError):
    """The user stopped the work; the hint says how to go on."""

    exit_code = 130


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """' (did you mean NAME?)' for the nearest of `names`, whatever its case, or an empty string."""
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.5)
    return f" (did you mean {by_folded[near[0]]}?)" if near else ""
