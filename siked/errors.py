"""The errors that a user can cause, and how a command line shows them.

Anything a user can get wrong (a file, a setting, a row) is raised as a ``UserError`` whose text is
one line: which file, key or row, what is wrong, what to do. ``report_errors`` turns it into that
line and exit status 1; any other exception is a defect of ours and keeps its traceback.
"""

import contextlib
import errno
import signal
import sys
from collections.abc import Iterator

from siked.terminal.console import make_printable, mask_secrets, say, show_what_fits

LONGEST = 1000
"""Characters of an error's line."""
INTERRUPTED = 128 + signal.SIGINT


class UserError(Exception):
    """Something that the user can put right; its text is one line that says how.

    The line may repeat what a server, a file or a model says, so whatever would steer a terminal
    or give a key away is replaced, and a very long one is cut.
    """

    def __init__(self, text: str) -> None:
        line = make_printable(mask_secrets(" ".join(text.splitlines())))
        super().__init__(line if len(line) <= LONGEST else f"{line[:LONGEST]} ...")


def advise_pull(what: str = "gets it") -> str:
    """Return ``, `dvc pull` gets it``, where a DVC remote is set up that it may come from."""
    from dvc.config import Config, ConfigError  # no process that works needs it

    try:
        return f", `dvc pull` {what}" if Config(".dvc")["remote"] else ""
    except ConfigError:
        return ""


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """Run a command's body; end the process with one line for what a user can put right.

    Exit status: 1 for a ``UserError`` or a full disk, 130 for Ctrl-C.
    """
    show_what_fits()
    try:
        yield
    except UserError as error:
        say(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        say("interrupted: finished work is kept, run the same command to go on", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        if error.filename is None:
            raise
        say(f"error: {UserError(f'{error.filename}: {error.strerror}')}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        say(
            f"error: no space left on the disk{where}: free some and run the same command again",
            file=sys.stderr,
        )
        raise SystemExit(1) from None
