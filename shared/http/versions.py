"""ETags of versions, and what a caller says it has read."""

import re
from typing import Annotated

from fastapi import Header

from shared.problems import Invalid

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description='The ETag you have read, such as `"3"`'),
]

_ETAG = re.compile(r'^(W/)?"([^"]*)"$')


def etag(version: int) -> str:
    return f'"{version}"'


def versions_in(header: str | None) -> list[int] | None:
    """The versions an If-Match header names (RFC 9110, 13.1.1); None for no header and for `*`.

    A weak ETag, and one that is no version of ours, names none. Raises Invalid for what is no ETag.
    """
    if header is None or header.strip() == "*":
        return None
    tags = [_ETAG.match(tag.strip()) for tag in header.split(",")]
    if not all(tags):
        raise Invalid.field("header:If-Match", 'give the ETag as you got it, such as "3", with its quotation marks')
    return [int(tag[2]) for tag in tags if tag and not tag[1] and tag[2].isdecimal() and len(tag[2]) < 10]
