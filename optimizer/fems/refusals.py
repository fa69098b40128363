"""Refusals of a FEMS, and what the owner does next.

The text decides first and the status second: since 2025.4 a FEMS answers every refusal with a 500
(contract of the interface, section 1.4), before that with 401 or 400 and a JSON-RPC error code.
"""

import re
from dataclasses import dataclass

from optimizer.errors import LoginError, OptimizerError, RefusedError, UnreachableError


@dataclass(frozen=True, slots=True)
class FemsAnswer:
    """Answer of a FEMS as it came over the network."""

    status: int
    content_type: str
    body: bytes
    date: str = ""
    """The `Date:` header, as it came."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Pattern of one kind of refusal, and the sentence for the owner."""

    phrase: str
    sentence: str
    codes: tuple[int, ...] = ()
    """JSON-RPC error codes of the FEMS (`OpenemsError.java`)."""
    status: int | None = None
    error: type[OptimizerError] = RefusedError


_AUTHENTICATION = "Authentication failed"
_GUEST_WRONG = (
    "The FEMS does not accept the guest's password: correct [fems] guest_password, or leave it out."
)
_OURS = (
    "The FEMS cannot read what was written to {component}/{channel}, which is a fault of this "
    "program: report it with this sentence."
)
_REFUSALS = (
    _Refusal(
        _AUTHENTICATION,
        "The FEMS does not accept the password: put the customer login's into [fems] password.",
        codes=(1001, 1003),
        status=401,
        error=LoginError,
    ),
    _Refusal(
        "is denied for User with Role",
        "The FEMS lets this password only read: put the customer login's instead of the guest's "
        "into [fems] password.",
        codes=(1002,),
        status=403,
        error=LoginError,
    ),
    _Refusal(
        "Read-Only mode",
        'The FEMS can only be read: install its app "REST/JSON Write Access" in the App Center.',
    ),
    _Refusal(
        "is not a Write Channel",
        "The FEMS does not let {component}/{channel} be written: "
        "check that [fems] ess names the battery.",
    ),
    _Refusal(
        "Unable to find OpenEMS Component",
        "The FEMS has no component {component}: check [fems] ess.",
        codes=(2000,),
    ),
    _Refusal(
        "is not defined for ID",
        "The FEMS has no channel {component}/{channel}: "
        "check that [fems] ess names a battery that can be controlled.",
    ),
    _Refusal("Value is missing", _OURS, error=OptimizerError),
    _Refusal("Unable to parse", _OURS, error=OptimizerError),
    _Refusal("is not a JSON-Object", _OURS, error=OptimizerError),
    _Refusal(
        "REST endpoint",
        "The interface of this FEMS does not know {component}: its version offers no more than "
        "single channels.",
    ),
)
_MISSING = "The FEMS has no {component}/{channel}: check [fems] ess, and that [fems] url is a FEMS."
_UNKNOWN = "The FEMS refuses the request with status {status}: run `optimizer check`."
_BUSY = "The FEMS is starting or being updated (status {status}): wait some minutes."
_BROKEN = "The FEMS answers with an error of its own (status {status}): look at its display or app."
_STRANGER = "Status {status} is no FEMS's answer: check that [fems] url is the FEMS's own address."

_CODE = re.compile(rb'"code"\s*:\s*(\d{1,9})')


def error_in(
    answer: FemsAnswer, component: str, channel: str, *, guest: bool = False
) -> OptimizerError | None:
    """The error that `answer` stands for, None if it is a success.

    Parameters
    ----------
    answer
        The whole answer.
    component, channel
        What was asked for, to be named to the owner.
    guest
        Whether it was asked with the guest's password.
    """
    if answer.status == 200:
        return None
    if 400 <= answer.status <= 500:
        known = _refusal(answer)
        if known:
            if guest and known.phrase == _AUTHENTICATION:
                return LoginError(_GUEST_WRONG)
            ids = {"component": component, "channel": channel, "status": answer.status}
            return known.error(known.sentence.format(**ids))
    return UnreachableError(_trouble(answer.status).format(status=answer.status))


def _refusal(answer: FemsAnswer) -> _Refusal | None:
    """The kind of refusal, None if nothing is known about it."""
    body = answer.body.decode("utf-8", "replace")
    code = _CODE.search(answer.body)
    for known in _REFUSALS:
        if known.phrase in body:
            return known
    for known in _REFUSALS:
        if (code and int(code[1]) in known.codes) or answer.status == known.status:
            return known
    if answer.status == 404:
        return _Refusal("", _MISSING)
    return _Refusal("", _UNKNOWN) if answer.status < 500 else None


def _trouble(status: int) -> str:
    if status in (502, 503, 504):
        return _BUSY
    return _BROKEN if status >= 500 else _STRANGER
