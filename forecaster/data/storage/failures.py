"""What a store or server says, as an error that names the place and what helps."""

from __future__ import annotations

import re

from forecaster.data.storage.place import Remote
from forecaster.data.storage.secrets import masked_text
from forecaster.data.storage.waiting import VARIABLE
from forecaster.errors import StorageError

LONGEST = 200
"""Characters of the words of a library in an error."""
CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a public bucket: ?anonymous=true",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials; a public bucket: gs://anonymous@BUCKET",
    "abfs": "Log in by `az login`, or set AZURE_STORAGE_KEY to the key of the account.",
    "https": "Write the address as the server gives it to those who may read it, with its token or password.",
}
REACH = f"Check the address, the network and proxies. A slow store gets more time by {VARIABLE}=300"
NO_BUCKET = r"NO_SUCH_BUCKET|ContainerNotFound|The specified bucket does not exist|bucket .*not exist"
REGION = r"PermanentRedirect|PERMANENT_REDIRECT|AuthorizationHeaderMalformed|HTTP response code: 301|region"
REFUSED = (
    r"INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|InvalidAccessKey|SignatureDoesNotMatch|ExpiredToken"
    r"|EXPIRED_TOKEN|INVALID_CLIENT_TOKEN|UNRECOGNIZED_CLIENT|UNAUTHENTICATED|InvalidAuthenticationInfo"
    r"|AuthenticationFailed|DefaultAzureCredential|AuthenticationException|OAuth2|invalid_grant|code: 401"
)
DENIED = (
    r"ACCESS_DENIED|AccessDenied|PERMISSION_DENIED|AuthorizationFailure|AuthorizationPermission|code: 403"
)
UNREACHED = (
    r"NETWORK_CONNECTION|[Cc]ould not resolve|[Cc]ould ?n.t connect|CURL error|REQUEST_TIMEOUT|[Tt]imed? ?out"
    r"|UNAVAILABLE|new connection|DEADLINE_EXCEEDED|SLOW_DOWN|code: 50\d|no answer for"
)


class Missing(StorageError, FileNotFoundError):
    """There is no such file. As OSError it is handled where that of this machine is."""


def missing(place: Remote) -> Missing:
    return Missing(f"there is no file {str(place)!r}", hint="Check the path.")


def failed(place: Remote, error: Exception, what: str = "read") -> StorageError:
    """The error of a library (OSError and its kin) as one of ours. `what` was to be done with the place."""
    said = " ".join(str(error).split())
    kind = {"gcs": "gs", "abfss": "abfs", "http": "https"}.get(place.scheme, place.scheme)
    start, its = f"{str(place)!r} cannot be {what}", "its server" if place.is_web else "its store"
    is_missing = isinstance(error, FileNotFoundError)
    if re.search(NO_BUCKET, said, re.IGNORECASE) or (is_missing and what == "written"):
        return StorageError(
            f"{start}: there is no bucket {_bucket(place)!r}", hint="Check its name, and make it."
        )
    if is_missing:
        return missing(place)
    if re.search(REFUSED, said):
        return StorageError(f"{start}: {its} refuses the credentials", hint=CREDENTIALS[kind])
    if re.search(DENIED, said):
        return StorageError(f"{start}: no permission", hint=CREDENTIALS[kind])
    if re.search(UNREACHED, said) or isinstance(error, TimeoutError):
        return StorageError(f"{start}: {its} cannot be reached ({_brief(said)})", hint=REACH)
    if kind == "s3" and re.search(REGION, said):
        hint = "Name its region: AWS_REGION=eu-central-1, or ?region=eu-central-1 after the path."
        return StorageError(f"{start}: its bucket is in another region ({_brief(said)})", hint=hint)
    return StorageError(f"{start}: {_brief(said)}")


def _bucket(place: Remote) -> str:
    """The bucket of a place; of Azure the container."""
    name, at, host = place.authority.rpartition("@")
    if not place.scheme.startswith("abfs"):
        return host
    return name.partition(":")[0] if at and host.endswith(".windows.net") else "/".join(place.parts[:1])


def _brief(said: str) -> str:
    """The end of what a library says, which is its cause, without its numbers of requests."""
    said = re.sub(r" ?\(?Request ?ID:.*", "", said).replace("google::cloud::Status", "")
    said = re.sub(r" error_info=.*", "", said)
    said = re.sub(r"^.*?(?:AWS Error|Azure Error:|last message of) ?", "", said)
    return masked_text(said)[:LONGEST]
