"""JSON and regular expressions as a FEMS's Java reads them.

JSON as a FEMS reads it: quotes may be single or missing, and faults are worded its way.

Only what the interface's contract (sections 1.3 and 1.4) measured of the device's parser (Gson in
its lenient mode) is imitated: single quotes, bare names and texts (NaN is one), `=` and `;`.
"""

import functools
import json
import re
import warnings

from optimizer.simulation.fems import answers

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


_BARE = re.compile(r"[^{}\[\]:,;=#/\\\s\"']+")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 255
_LONGEST = 100
"""Characters of a body that a message repeats at most."""


_COMMENT = re.compile(r"//[^\r\n]*|#[^\r\n]*|/\*.*?\*/", re.DOTALL)
_BYTE_ORDER_MARK = "\ufeff"


class MalformedError(ValueError):
    """The text is no JSON, even with good will; the message is the device's."""


def parse(text: str) -> object:
    """The parsed text; an empty one is null. Comments and a byte order mark are passed over.

    Raises
    ------
    MalformedError
        If there is no reading it.

    Examples
    --------
    >>> parse("{'value': 1e3, more: NaN}")
    {'value': 1000.0, 'more': 'NaN'}
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if not text.strip():
        return None
    reader = _Reader(text)
    value = reader.value("$", 0)
    if reader.peek():
        raise MalformedError("Did not consume the entire document.")
    return value


def parse_object(body: str) -> dict[str, object]:
    """The object in a request's body.

    Raises
    ------
    RefusedError
        If it is none, in the device's words.
    """
    try:
        content = parse(body)
    except MalformedError as error:
        shortened = body if len(body) <= _LONGEST else f"{body[: _LONGEST - 3]}..."
        raise answers.RequestRefusedError(answers.MALFORMED, error, shortened) from None
    if not isinstance(content, dict):
        shown = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        raise answers.RequestRefusedError(answers.NO_OBJECT, shown)
    return content


class _Reader:
    """A text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        """The next character that is neither white nor part of a comment, "" at the end."""
        while True:
            while self._text[self._at : self._at + 1].isspace():
                self._at += 1
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                break
            self._at = comment.end()
        return self._text[self._at : self._at + 1]

    def value(self, path: str, depth: int) -> object:
        """Read a value; `path` says where in the document it stands."""
        first = self._peek_or_fail(path)
        if depth > _DEEPEST:
            raise self._malformed("Nesting limit reached", path)
        if first == "{":
            return self._object(path, depth)
        if first == "[":
            return self._array(path, depth)
        if first in "\"'":
            return self._quoted(path)
        return _literal(self._bare(path, "Expected value"))

    def _object(self, path: str, depth: int) -> dict[str, object]:
        self._at += 1
        members: dict[str, object] = {}
        if self._peek_or_fail(f"{path}.") == "}":
            self._at += 1
            return members
        while True:
            quoted = self._peek_or_fail(f"{path}.") in "\"'"
            name = self._quoted(f"{path}.") if quoted else self._bare(f"{path}.", "Expected name")
            place = f"{path}.{name}"
            if self._peek_or_fail(place) not in ":=":
                raise self._malformed("Expected ':'", place)
            self._at += 1
            members[name] = self.value(place, depth + 1)
            if self._ends("}", "Unterminated object", place):
                return members

    def _array(self, path: str, depth: int) -> list[object]:
        self._at += 1
        items: list[object] = []
        if self._peek_or_fail(f"{path}[0]") == "]":
            self._at += 1
            return items
        while True:
            place = f"{path}[{len(items)}]"
            items.append(self.value(place, depth + 1))
            if self._ends("]", "Unterminated array", place):
                return items

    def _ends(self, closing: str, fault: str, path: str) -> bool:
        """Read what follows a member: True at the end, False before another one."""
        found = self._peek_or_fail(path)
        if found not in f"{closing},;":
            raise self._malformed(fault, path)
        self._at += 1
        return found == closing

    def _quoted(self, path: str) -> str:
        found = _QUOTED.match(self._text, self._at)
        if not found:
            raise self._malformed("Unterminated string", path)
        self._at = found.end()
        return _ESCAPE.sub(_unescaped, found[1] if found[1] is not None else found[2])

    def _bare(self, path: str, fault: str) -> str:
        found = _BARE.match(self._text, self._at)
        if not found:
            raise self._malformed(fault, path)
        self._at = found.end()
        return found[0]

    def _peek_or_fail(self, path: str) -> str:
        found = self.peek()
        if not found:
            raise MalformedError(f"java.io.EOFException: End of input{self._place(path)}")
        return found

    def _malformed(self, fault: str, path: str) -> MalformedError:
        kind = "com.google.gson.stream.MalformedJsonException"
        return MalformedError(f"{kind}: {fault}{self._place(path)}")

    def _place(self, path: str) -> str:
        line = self._text.count("\n", 0, self._at)
        column = self._at - self._text.rfind("\n", 0, self._at)
        return f" at line {line + 1} column {column} path {path}"


def _literal(bare: str) -> object:
    """A bare word: a constant, a number, or a text without quotes."""
    if bare.lower() in _WORDS:
        return _WORDS[bare.lower()]
    found = _NUMBER.fullmatch(bare)
    if not found or len(bare) > 400:
        return bare
    return float(bare) if found[2] or found[3] else int(bare)


def _unescaped(escape: re.Match[str]) -> str:
    kind = escape[1]
    if len(kind) > 1:
        return chr(int(kind[1:], 16))
    return _PLAIN.get(kind, kind)
