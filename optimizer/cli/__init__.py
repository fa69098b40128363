"""Commands: options in, one call of `app`, print."""

import os
import sys

INTERRUPTED = 130
"""Exit code after Ctrl-C, which is `ExitCode.INTERRUPTED`; known before anything is imported."""


def main() -> None:
    """Run the command line; foreseen errors become one sentence and their exit code.

    Ctrl-C ends every command quietly, also while it is still being loaded: nothing heavy is
    imported before this.
    """
    try:
        import signal

        interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if interruptible:
            # an exception could be taken for one of the import that it interrupts
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        _run(interruptible)
    except KeyboardInterrupt:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends at once
        sys.exit(INTERRUPTED)


def _run(interruptible: bool) -> None:
    from optimizer.cli import terminal

    terminal.claim()
    import signal
    import sqlite3

    from optimizer.cli.app import app
    from optimizer.errors import ExitCode, OptimizerError

    terminal.prepare()
    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(prog_name="optimizer")
    except OSError as error:
        if error.errno not in terminal.NO_ROOM:
            raise
        terminal.give_up()
        sys.stderr.write(f"optimizer: the output cannot be written: {error.strerror}\n")
        sys.exit(ExitCode.BAD_DATA)
    except OptimizerError as error:
        sys.stderr.write(f"optimizer: {terminal.local_text(error)}\n")
        sys.exit(error.exit_code)
    except sqlite3.Error as error:
        sys.stderr.write(
            f"optimizer: the store cannot be read or written ({error}): is its disk full or "
            "read-only? What it holds is as it was, and a plan in force stays\n"
        )
        sys.exit(ExitCode.BAD_DATA)
