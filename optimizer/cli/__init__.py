"""Commands: options in, one call of `app`, print."""

import sqlite3
import sys

from optimizer.cli import terminal


def main() -> None:
    """Run the command line; foreseen errors become one sentence and their exit code."""
    terminal.claim()
    from optimizer.cli.app import app
    from optimizer.errors import ExitCode, OptimizerError

    terminal.prepare()
    try:
        app(prog_name="optimizer")
    except OSError as error:
        if error.errno not in terminal.NO_ROOM:
            raise
        terminal.give_up()
        sys.stderr.write(f"optimizer: the output cannot be written: {error.strerror}\n")
        sys.exit(ExitCode.BAD_DATA)
    except OptimizerError as error:
        sys.stderr.write(f"optimizer: {error}\n")
        sys.exit(error.exit_code)
    except sqlite3.Error as error:
        sys.stderr.write(
            f"optimizer: the store cannot be read or written ({error}): is its disk full or "
            "read-only? What it holds is as it was, and a plan in force stays\n"
        )
        sys.exit(ExitCode.BAD_DATA)
