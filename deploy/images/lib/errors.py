"""One kind of error: a message that says where, what and how to fix it."""

import sys


class Problem(Exception):
    """Ends the command with its message and no stack trace."""


def main(body):
    """Runs a command; a Problem becomes one message and exit code 2."""
    try:
        body()
    except Problem as problem:
        sys.exit(f"{sys.argv[0].rsplit('/', 1)[-1]}: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
