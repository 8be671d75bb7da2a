"""ETags of versions, and what a caller says it has read."""

import re
from typing import Annotated

from fastapi import Header

from shared.problems import Invalid, StaleVersion

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description='The ETag you have read, such as `"3"`'),
]

_ETAG = re.compile(r'^(?:W/)?"([^"]*)"$')


def etag(version: int) -> str:
    return f'"{version}"'


def versions_in(header: str | None) -> list[int] | None:
    """The versions an If-Match header names, of the ETags that are versions; None for no header and for `*`.

    Raises Invalid for what is no ETag.
    """
    if header is None or header.strip() == "*":
        return None
    tags = [_ETAG.match(tag.strip()) for tag in header.split(",")]
    if not all(tags):
        raise Invalid.field("header:If-Match", 'give the ETag as you got it, such as "3", with its quotation marks')
    return [int(tag[1]) for tag in tags if tag and tag[1].isdecimal() and len(tag[1]) < 10]


def expected_version(if_match: str | None) -> int | None:
    """The version an If-Match names; `*` and none name any. Raises StaleVersion for what no version of ours is."""
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if not (number.isascii() and number.isdigit()):
        raise StaleVersion("If-Match names no version of this; read it again before changing it.")
    return int(number)
