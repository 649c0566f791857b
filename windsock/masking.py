"""What must not be written is replaced here, before it reaches a log, a message or a disk."""

import re

MASK = "***"

_URL_PASSWORD = re.compile(r"(?P<head>[a-zA-Z][\w+.-]*://[^\s/@:]*:)(?P<password>[^\s@]*(?:@[^\s@/]*)*)(?=@)")
_QUERY_PASSWORD = re.compile(r"(?i)(?P<head>[?&;\s](?:password|passwd|pwd|token)=)[^&;\s'\"]+")


def mask_url(text: str) -> str:
    """Replace passwords in anything that looks like a URL or a connection string.

    Args:
        text: any text, such as a driver's error message.

    Returns:
        The text with `scheme://user:***@host` and `password=***`.
    """
    masked = _URL_PASSWORD.sub(lambda m: f"{m['head']}{MASK}", text)
    return _QUERY_PASSWORD.sub(lambda m: f"{m['head']}{MASK}", masked)
