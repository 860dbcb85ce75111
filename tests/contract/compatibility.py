"""What may change in the schema of an event without a new type: nothing but one more optional field.

Readers of before then read records of now, ignoring the field, and readers of now read records of before, without it.
"""

from typing import Any

_SAID = ("description", "title", "examples")
"""Words for people; no reader depends on them."""


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a reader of one of the two could not read of the other, each as a sentence; empty where all is well."""
    had, has = before.get("properties", {}), now.get("properties", {})
    needed_before, needed_now = set(before.get("required", [])), set(now.get("required", []))
    found = [f"the field {name!r} is gone, which readers of before look for" for name in had if name not in has]
    found += [
        f"the new field {name!r} is required, and records of before lack it" for name in _new(has, had, needed_now)
    ]
    found += [
        f"the field {name!r} was optional and is required now"
        for name in sorted((needed_now - needed_before) & set(had))
    ]
    found += [
        f"the field {name!r} was required and is optional now, and readers of before cannot do without"
        for name in sorted(needed_before - needed_now)
        if name in has
    ]
    found += [
        f"the field {name!r} means something else: {_bare(had[name])} has become {_bare(has[name])}"
        for name in had
        if name in has and _bare(had[name]) != _bare(has[name])
    ]
    if _bare(before.get("$defs", {})) != _bare(now.get("$defs", {})):
        found.append("a type that its fields share has changed")
    return found


def _new(has: dict[str, Any], had: dict[str, Any], needed: set[str]) -> list[str]:
    return [name for name in has if name not in had and name in needed]


def _bare(schema: Any) -> Any:
    """Without what is said for people."""
    if isinstance(schema, dict):
        return {name: _bare(value) for name, value in schema.items() if name not in _SAID or isinstance(value, dict)}
    if isinstance(schema, list):
        return [_bare(value) for value in schema]
    return schema
