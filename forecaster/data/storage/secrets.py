"""URLs without the secrets in them: passwords, keys, signatures, tokens. What is shown or kept has none.

Before an @, all is a secret but the container of abfs://. After a ?, a value is one if its name says so, or
if it is long and looks like no word.
"""

from __future__ import annotations

import re

MASK = "***"
IN_TEXT = re.compile(r"\b(?:s3|gs|gcs|abfss?|https?|[a-z][a-z0-9+.]{1,9})://[^\s'\"<>]+", re.IGNORECASE)
PARTS = re.compile(
    r"(?P<start>[^:/]+://)(?P<user>[^/?#]*@|[^/?#@:]+:(?!\d+(?:/|$))[^@?#]*@)?(?P<path>[^?#]*)(?P<query>.*)",
    re.DOTALL,
)
"""A key with a / that is not written as %2F is a secret all the same."""
SECRET = re.compile(
    r"(?:^|[_.-])(?:key|sig|pass|pwd|auth|code|session|sas|ticket|hmac)(?:$|[_.-])|api_?key|access_?key|token"
    r"|secret|passw|signature|credential|jwt|oauth|sessionid|^x-(?:amz|goog)-",
    re.IGNORECASE,
)
OPEN = {"region", "scheme", "endpoint_override", "anonymous", "tls_ca_file_path", "force_virtual_addressing",
        "retry_limit_seconds", "project_id", "enable_tls", "tenant_id", "client_id",
        "background_writes"}  # fmt: skip
"""Options of stores that are no secrets, whatever they look like."""
LONG = 20
"""A value of as many characters, among them digits and letters, may be a secret."""


def masked(url: str) -> str:
    """The URL with *** in place of each secret; any other text as it is."""
    match = PARTS.fullmatch(url)
    if not match:
        return url
    user = _user(match["start"], match["user"] or "")
    mark, query = match["query"][:1], match["query"][1:]
    return match["start"] + user + match["path"] + mark + re.sub(r"([^&;=]+)=([^&;#]*)", _parameter, query)


def masked_text(text: str) -> str:
    """Any text, with the URLs in it masked."""
    return IN_TEXT.sub(lambda match: masked(match[0]), text) if "://" in text else text


def has_secret(url: str) -> bool:
    """Whether something of a URL is not shown, or was not kept."""
    return masked(url) != url or MASK in url


def _user(start: str, user: str) -> str:
    """What stands before the host. abfs://CONTAINER@ACCOUNT names a container there."""
    name, colon, _ = user[:-1].partition(":")
    if start.lower().startswith("abfs"):
        return f"{name}:{MASK}@" if colon else user
    return f"{MASK}@" if user and user != "anonymous@" else user


def _parameter(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    looks = len(value) >= LONG and re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    if not value or name.lower() in OPEN or not (SECRET.search(name) or looks):
        return match[0]
    return f"{name}={MASK}"
