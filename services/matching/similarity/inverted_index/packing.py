"""A profile as a line of JSON: what the index stores of it, and what another process reads."""

from pydantic import TypeAdapter

from services.matching.similarity.profile import Profile

_profile = TypeAdapter(Profile)


def pack(one: Profile) -> bytes:
    return _profile.dump_json(one, exclude_defaults=True)


def unpack(line: bytes) -> Profile:
    return _profile.validate_json(line)
