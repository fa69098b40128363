"""Java's regular expressions, as far as the ids of a FEMS need them, on top of Python's."""

import functools
import re
import warnings

_NO_QUANTIFIER = re.compile(r"^[{*+?]|\((?!\?)[{*+?]|\|[{*+?]|\{(?![0-9]+(,[0-9]*)?\})")
"""Illegal in Java, though not always in Python: a repetition of nothing, or a brace for none."""
_PYTHON_ONLY = re.compile(r"\(\?P|\(\?#|\(\?\(")
_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")
_ESCAPED = re.compile(r"\\.|\[[^\]]*\]", re.DOTALL)


class BrokenError(ValueError):
    """Java would not compile it."""


@functools.lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that has to match a whole id.

    Raises
    ------
    BrokenError
        If Java would not compile it.

    Examples
    --------
    >>> bool(compiled("(Soc|State)").fullmatch("Soc"))
    True
    """
    bare = _ESCAPED.sub("x", pattern)
    if _NO_QUANTIFIER.search(bare) or _PYTHON_ONLY.search(bare):
        raise BrokenError(f"Illegal repetition near index 0 {pattern}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # nested sets: Java has them
            return re.compile(_NAMED.sub("(?P<", pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise BrokenError(f"{error} {pattern}") from None
