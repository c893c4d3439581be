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
FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {
    errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG,
    errno.ELOOP,
}  # fmt: skip
"""What a file system answers to a name that a user gave."""


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

    Exit status: 1 for a ``UserError``, a full disk or a refused name, 130 for Ctrl-C.
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
    except OSError as error:
        if error.errno in FULL:
            where = f" while writing {error.filename}" if error.filename else ""
            text = f"no space left on the disk{where}: free some and run the same command again"
        elif error.errno in REFUSED and error.filename is not None:
            text = f"{error.filename}: {error.strerror}"
        else:
            raise
        say(f"error: {UserError(text)}", file=sys.stderr)
        raise SystemExit(1) from None
