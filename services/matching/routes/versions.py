"""ETags of versions, and what a caller says it has read."""

import re
from typing import Annotated

from fastapi import Header

from shared.problems import Invalid

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description='The ETag you have read, such as `"3"`; required with arrays'),
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=200)]

_ONE = re.compile(r'^"(\d{1,9})"$')


def etag(version: int) -> str:
    return f'"{version}"'


def versions_in(header: str | None) -> list[int] | None:
    """The versions an If-Match header names; None for no header and for `*`. Raises Invalid for what we never gave."""
    if header is None or header.strip() == "*":
        return None
    tags = [_ONE.match(tag.strip()) for tag in header.split(",")]
    if not all(tags):
        raise Invalid.field("header:If-Match", 'give the ETag as you got it, such as "3", with its quotation marks')
    return [int(tag[1]) for tag in tags if tag]
