"""What a body of a request has to be like: Dash answers 500 to what is no JSON, and to a callback of another shape."""

from typing import Any

import msgspec
from msgspec import Struct


class _Property(Struct):
    id: str | dict[str, Any]
    property: str
    value: Any = None  # decoded, so that what is no text in it is found


class _Callback(Struct):
    output: str
    outputs: _Property | list[_Property | list[_Property]] | None = None
    inputs: list[_Property | list[_Property]] = []
    state: list[_Property | list[_Property]] = []
    changedPropIds: list[str] = []  # noqa: N815 Dash's name


def ill_formed(path: str, body: bytes | bytearray) -> str:
    """Return what is wrong with a body of JSON; nothing where all is well."""
    shape = _Callback if path.endswith("/_dash-update-component") else Any
    try:
        msgspec.json.decode(body or b"null", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        return f"the JSON is not understood: {str(err)[:200]}"
    return ""
