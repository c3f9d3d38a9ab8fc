"""Exceptions of a download as short reasons, so that the same fault is counted as one."""

from __future__ import annotations

from crawler.fence import Refused

_BY_CLASS = {
    "TimeoutError": "timeout",
    "DownloadTimeoutError": "timeout",
    "TCPTimedOutError": "timeout",
    "ResponseDataLossError": "truncated",
    "ResponseFailed": "truncated",
    "PartialDownloadError": "truncated",
    "DownloadCancelledError": "too large",
    "DownloadConnectionRefusedError": "connection refused",
    "ConnectionRefusedError": "connection refused",
    "CannotResolveHostError": "unknown host",
    "DNSLookupError": "unknown host",
    "ConnectionLost": "connection lost",
    "ConnectionDone": "connection lost",
    "DownloadFailedError": "connection lost",
    "ResponseNeverReceived": "connection lost",
    "UnsupportedURLSchemeError": "not http",
}

UNREACHABLE = ("timeout", "connection refused", "unknown host", "connection lost")


def reason_of(error: BaseException) -> str:
    """A short reason for ``error``; the class name of one that is not foreseen."""
    if isinstance(error, Refused):
        return error.reason
    text = str(error)
    if "robots.txt" in text:
        return "robots.txt"
    if "max redirections" in text:
        return "redirect loop"
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_CLASS:
            return _BY_CLASS[kind.__name__]
    if isinstance(error.__cause__, BaseException):
        return reason_of(error.__cause__)
    return type(error).__name__
