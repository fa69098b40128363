"""The commands: each loads, calls and prints; nothing is computed here."""

import sys


def main() -> None:
    """Run the command line; foreseen errors become one sentence and their exit code."""
    from optimizer.cli.app import app
    from optimizer.errors import OptimizerError

    try:
        app(prog_name="optimizer")
    except OptimizerError as error:
        sys.stderr.write(f"optimizer: {error}\n")
        sys.exit(error.exit_code)
