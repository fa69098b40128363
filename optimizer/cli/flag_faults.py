"""Faults of flags and arguments in the configuration's own sentences.

typer passes the sentences of pydantic on ("Input should be less than or equal to 100"). Every
command is parsed within the outermost group, so one place rewords them for all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

LONGEST = 80
"""Most characters of a value in a sentence."""


class PlainGroup(TyperGroup):
    """The outermost group of commands."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own base
        """Parse and run a command."""
        with plain_sentences():
            return super().invoke(ctx)


@contextmanager
def plain_sentences() -> Iterator[None]:
    """Reword what typer's reader of numbers refuses."""
    try:
        yield
    except typer.BadParameter as refused:
        words = _sentence(refused.__cause__)
        if words:
            refused.message = words
        raise


def _sentence(cause: BaseException | None) -> str:
    """Rest of the sentence about a flag's value; "" for causes of another kind."""
    from pydantic import ValidationError

    from optimizer.config.faults import TEXTS, rest_of_sentence

    faults = cause.errors(include_url=False) if isinstance(cause, ValidationError) else []
    if not faults:
        return ""
    if faults[0]["type"] not in TEXTS:  # typer's own about choices, which names the value
        return rest_of_sentence(faults[0])
    return f"{rest_of_sentence(faults[0])} (it is {_short(str(faults[0]['input']))})"


def _short(given: str) -> str:
    return repr(given if len(given) <= LONGEST else f"{given[:LONGEST]}...")


def typed_number(least: float, most: float) -> Callable[[object], float]:
    """Reader of a number that is typed at a question, both ends of its range allowed."""

    def read(typed: object) -> float:
        try:
            number = float(str(typed))
        except ValueError:
            raise typer.BadParameter(f"should be a number (it is {_short(str(typed))})") from None
        if not least <= number <= most:
            limit = f"at least {least:g}" if number < least else f"at most {most:g}"
            raise typer.BadParameter(f"should be {limit} (it is {_short(str(typed))})")
        return number

    return read
