"""URLs without their secrets."""

import pytest

from forecaster.data.storage.place import Remote, chooses_server, kept, place
from forecaster.data.storage.secrets import masked, masked_text
from forecaster.errors import UsageError

SECRETS = [
    ("s3://AKIA:hush@bucket/a.csv", "s3://***@bucket/a.csv"),
    ("s3://AKIA:hu/sh+x=@bucket/a.csv", "s3://***@bucket/a.csv"),
    ("abfs://box@account.dfs.core.windows.net/a.csv", "abfs://box@account.dfs.core.windows.net/a.csv"),
    ("abfs://box:hush@account.dfs.core.windows.net/a", "abfs://box:***@account.dfs.core.windows.net/a"),
    ("https://me:hush@example.org/a.csv", "https://***@example.org/a.csv"),
    ("https://example.org:8080/a@b.csv", "https://example.org:8080/a@b.csv"),
    ("https://x.org/a?sv=2024-01&sig=hush%3D&se=2025", "https://x.org/a?sv=2024-01&sig=***&se=2025"),
    ("https://x.org/a?X-Amz-Date=1&X-Amz-Signature=ab1", "https://x.org/a?X-Amz-Date=***&X-Amz-Signature=***"),
    ("https://x.org/a?id=UNRATE&api_key=hush&signal=7", "https://x.org/a?id=UNRATE&api_key=***&signal=7"),
    ("https://x.org/a?q=0a1b2c3d4e5f6a7b8c9d0e1f", "https://x.org/a?q=***"),
    ("s3://b/a?endpoint_override=minio2.example.org:9000", "s3://b/a?endpoint_override=minio2.example.org:9000"),
    ("gs://anonymous@public/a.csv", "gs://anonymous@public/a.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "shown"), SECRETS)
def test_no_secret_is_shown(url: str, shown: str) -> None:
    """By itself, within a text, as a place, and as a model keeps it; what is no secret stays."""
    assert masked(url) == shown
    assert masked_text(f"wrote {url!r}, to --model={url} and more") == (
        f"wrote {shown!r}, to --model={shown} and more"
    )
    if "hu/sh" not in url:
        assert str(place(url)) == repr(place(url)) == kept(url) == shown


def test_what_is_no_url_stays() -> None:
    """Text without a URL, and a path, are as they were."""
    assert masked_text("a 5 % rise: key=3, C:\\x, //a:b@c") == "a 5 % rise: key=3, C:\\x, //a:b@c"
    assert masked("folder/a.csv?key=1") == "folder/a.csv?key=1"


@pytest.mark.parametrize(
    ("url", "key", "query", "name"),
    [
        ("s3://b/x/a.csv", "x/a.csv", "", "a.csv"),
        ("s3://b/x/?.csv", "x/?.csv", "", "?.csv"),
        ("S3://b/x/a.csv?region=eu&scheme=http", "x/a.csv", "?region=eu&scheme=http", "a.csv"),
        ("s3://b/k=v/a%20b.csv", "k=v/a%20b.csv", "", "a%20b.csv"),
        ("s3://b", "", "", "b"),
        ("https://h/x/a%20b.csv?y=1#top", "x/a%20b.csv", "?y=1", "a b.csv"),
    ],
)
def test_a_url_has_parts(url: str, key: str, query: str, name: str) -> None:
    """A ? begins options where NAME=VALUE follows; keys of buckets are as they are stored."""
    where = place(url)
    assert isinstance(where, Remote)
    assert (where.key, where.query, where.name) == (key, query, name)


def test_places_beside_each_other() -> None:
    """A name beside a place keeps user and options; the address has neither."""
    where = place("s3://k:s@b/x/a.csv?region=eu")
    assert isinstance(where, Remote)
    assert where.with_name("b.csv").url == "s3://k:s@b/x/b.csv?region=eu"
    assert (where.parent / "c").address == "s3://b/x/c"


@pytest.mark.parametrize("url", ["ftp://x/a.csv", "file:///a.csv", "s3:///a.csv", "https://?x=1"])
def test_other_urls_are_refused(url: str) -> None:
    """What is no place that can be read is a UsageError with a hint."""
    with pytest.raises(UsageError) as raised:
        place(url)
    assert raised.value.hint


def test_a_url_may_choose_where_credentials_go() -> None:
    """A store under another address is noticed."""
    assert chooses_server("s3://b/a?region=eu&endpoint_override=evil.example.org")
    assert not chooses_server("s3://b/a?region=eu")
    assert not chooses_server("a?endpoint_override=x")
