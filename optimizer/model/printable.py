"""Texts from outside as one printable line.

No line break, escape or direction mark of theirs gets into logs, status, pages or a terminal.
"""

LONGEST = 200
"""Longest text in a sentence for people [characters]."""


def printable(text: str, longest: int = LONGEST) -> str:
    r"""The text on one line, cut where it is long.

    Examples
    --------
    >>> printable("ess0\n\x1b[2J nothing  is held")
    'ess0 [2J nothing is held'
    >>> printable("9" * 5000, 10)
    '9999999...'
    """
    cut = text[: longest + 1]
    line = " ".join("".join(one if one.isprintable() else " " for one in cut).split())
    return line if len(text) <= longest else line[: max(0, longest - 3)] + "..."
