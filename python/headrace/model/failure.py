"""A failure that a person has to act on, said in one sentence: what is wrong, the detail, what to do."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What a process of ours ends with; scripts rely on it."""

    OK = 0
    FAILED = 1
    USAGE = 2
    """Bad command line or configuration."""
    DATA_DIRECTORY = 3
    ADDRESS_IN_USE = 4


class Failure(Exception):  # noqa: N818 - the word of the documents
    """Printed by the command line as `headrace: WHAT: DETAIL; HINT`, never with a traceback."""

    def __init__(self, what: str, detail: str, hint: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(f"{what}: {detail}; {hint}")
        self.what = what
        self.detail = detail
        self.hint = hint
        self.exit_code = exit_code

    @property
    def code(self) -> str:
        """A word for programs: `usage`, `data_directory`, ..."""
        return self.exit_code.name.lower()
