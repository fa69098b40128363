"""The commands: each loads, calls and prints; nothing is computed here."""

import sqlite3
import sys


def main() -> None:
    """Run the command line; foreseen errors become one sentence and their exit code."""
    from optimizer.cli.app import app
    from optimizer.errors import ExitCode, OptimizerError

    try:
        app(prog_name="optimizer")
    except OptimizerError as error:
        sys.stderr.write(f"optimizer: {error}\n")
        sys.exit(error.exit_code)
    except sqlite3.Error as error:
        sys.stderr.write(
            f"optimizer: the store cannot be read or written ({error}): is its disk full or "
            "read-only? What it holds is as it was, and a plan in force stays\n"
        )
        sys.exit(ExitCode.BAD_DATA)
