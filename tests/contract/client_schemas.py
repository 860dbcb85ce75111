"""What of an OpenAPI document the Python client's types are made of, and how they differ from what the service says.

A client outlives the service that it was made for: in answers it reads on where a newer one says more, and where it
says a word that was not among those known. What it sends is as strict as the document.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schemas: TypeAlias = dict[str, Any]

_AMOUNT = "Amount"
_EXACT: Schemas = {
    _AMOUNT: {
        "description": "USD, shares or units, exact: a float is none, because 0.1 is not one.",
        "anyOf": [{"type": "string", "format": "decimal"}, {"type": "string"}, {"type": "integer"}],
    }
}


def models_of(document: Mapping[str, Any]) -> Schemas:
    """The schemas that answers, events and bodies name: of answers and events open, of bodies as they are."""
    schemas: Schemas = document["components"]["schemas"]
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    answered = _reached({"all": [operation["responses"] for operation in operations]}, schemas)
    asked = _reached({"all": [operation.get("requestBody") for operation in operations]}, schemas)
    kept = {
        name: _opened(_growing(schema)) if name in answered else schema
        for name, schema in schemas.items()
        if name in answered | asked and not _is_event(schema)
    }
    return {name: _untitled(schema) for name, schema in kept.items()}


def bodies_of(document: Mapping[str, Any]) -> Schemas:
    """The bodies that the service reads by hand, so that numbers stay exact, by their titles; amounts as exact ones.

    Raises ValueError for two of one title that differ.
    """
    found: Schemas = {}
    for item in document["paths"].values():
        for operation in item.values():
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for schema in _titled(sent):
                title = schema["title"]
                if found.setdefault(title, schema) != schema:
                    raise ValueError(f"two bodies are called {title}, and differ: give one of them another title")
    # `additionalProperties` says nothing of a typed dictionary that every checker would understand.
    found = {name: _growing(schema) for name, schema in found.items()}
    return _EXACT | {name: {key: _written(value) for key, value in schema.items()} for name, schema in found.items()}


def _reached(node: Any, schemas: Schemas) -> set[str]:
    """Names of schemas that the node names, and those that they name."""
    reached: set[str] = set()
    waiting = set(_named_in(node))
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= set(_named_in(schemas[name])) - reached
    return reached


def _named_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[-1]
        for value in node.values():
            yield from _named_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named_in(value)


def _titled(node: Any) -> Iterator[dict[str, Any]]:
    """Objects with a title of their own, which is the name of their type."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "title" in node:
            yield node
        for value in node.values():
            yield from _titled(value)
    elif isinstance(node, list):
        for value in node:
            yield from _titled(value)


def _is_event(schema: Mapping[str, Any]) -> bool:
    """Whether it is the envelope of an event: the client has a reader of streams, and needs what is in them alone."""
    return any("contentSchema" in field for field in schema.get("properties", {}).values())


def _untitled(node: Any) -> Any:
    """Without the titles of fields: they repeat the names."""
    if isinstance(node, dict):
        fields = node.get("properties", {})
        plain = {name: {k: v for k, v in field.items() if k != "title"} for name, field in fields.items()}
        return {key: _untitled(value) for key, value in (node | ({"properties": plain} if fields else {})).items()}
    return [_untitled(value) for value in node] if isinstance(node, list) else node


def _growing(node: Any) -> Any:
    """Objects may have members that are not known yet."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if (key, value) != ("additionalProperties", False)}
        return {key: _growing(value) for key, value in kept.items()}
    return [_growing(value) for value in node] if isinstance(node, list) else node


def _opened(node: Any) -> Any:
    """Lists of words may have others that are not known yet; those that are known stay named."""
    if isinstance(node, list):
        return [_opened(value) for value in node]
    if not isinstance(node, dict):
        return node
    branches = node.get("anyOf", [node])
    words = [word for branch in branches for word in _words(branch)]
    if not words:
        return {key: _opened(value) for key, value in node.items()}
    others = [_opened(branch) for branch in node.get("anyOf", []) if not _words(branch)]
    said = {key: value for key, value in node.items() if key not in {"anyOf", "enum", "const", "type"}}
    return said | {"anyOf": [{"type": "string", "enum": words}, {"type": "string"}, *others]}


def _words(schema: Any) -> list[str]:
    """The words of a closed list; none where the schema is no such list."""
    if schema.get("type") != "string":
        return []
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))


def _written(node: Any) -> Any:
    """As people write it into a dictionary: amounts are exact, dates are dates, and a type within a type is its own."""
    if isinstance(node, list):
        return [_written(value) for value in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "object" and "title" in node:
        return {"$ref": f"#/components/schemas/{node['title']}"}
    if node.get("format") == "date":
        return node | {"customTypePath": "datetime.date"}
    choices = node.get("oneOf", [])
    if {"type": "number"} not in choices:
        return {key: _written(value) for key, value in node.items()}
    others = [choice for choice in choices if choice not in ({"type": "string"}, {"type": "number"})]
    amount = {"$ref": f"#/components/schemas/{_AMOUNT}"}
    return {k: v for k, v in node.items() if k != "oneOf"} | ({"anyOf": [amount, *others]} if others else amount)
