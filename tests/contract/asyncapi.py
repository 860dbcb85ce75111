"""The AsyncAPI 3 document of all events, made of the topics, the models and the golden records."""

from typing import Any

from contract.api_files import FOLDER, text_of
from contract.golden import examples
from local_stack.system import TOPICS_FILE
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.event import Event
from riskstream.messaging.topics import Topic, TopicFile, load_topics

FILE = FOLDER / "events.asyncapi.json"

_DAY_MS = 86_400_000
_TEXT = {"type": "string", "minLength": 1}
_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary mode: each attribute is a header of the record.",
    "required": [
        "content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_dataschema",
        "ce_partitionkey", "ce_correlationid",
    ],
    "properties": {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "Consumers act once on an id."},
        "ce_source": _TEXT | {"description": "The service that said it: `/services/symbol-batch`."},
        "ce_type": _TEXT | {"description": "Ends in its major version."},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it was said, UTC."},
        "ce_subject": _TEXT | {"description": "The aggregate's id, which is also the record's key."},
        "ce_dataschema": _TEXT,
        "ce_partitionkey": _TEXT,
        "ce_correlationid": _TEXT | {"description": "Shared by all that follows from one root."},
        "ce_causationid": {"type": "string", "format": "uuid", "description": "The event that brought this one about."},
        "ce_aggregateversion": {"type": "string", "pattern": "^[0-9]+$"},
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
    },
}  # fmt: skip


def document() -> dict[str, Any]:
    """As `docs/api/events.asyncapi.json` has it."""
    declared = load_topics(TOPICS_FILE)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Riskstream events",
            "version": "1",
            "description": "What the services say to each other over Kafka. Readers ignore fields they do not know; a"
            " new field is optional, anything else is a new type.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in declared.every_topic()},
        "operations": _operations(declared),
        "components": {
            "messages": {model.type: _message(model) for model in CATALOGUE.by_type.values()} | {"dead_letter": _DEAD},
        },
    }


_DEAD = {
    "title": "Dead letter",
    "summary": "A record that a group can never handle, as it came, with the reason in headers of its own.",
    "payload": {"description": "The record's own bytes."},
}


def _channel(topic: Topic) -> dict[str, Any]:
    types = [model.type for model in CATALOGUE.by_topic.get(topic.name, ())] or ["dead_letter"]
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.cleanup.split(","),
                    "retention.ms": topic.retention_days * _DAY_MS,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(model: type[Event]) -> dict[str, Any]:
    schema = model.model_json_schema()
    # Readers let fields pass that they do not know; only writers are held to the model.
    schema.pop("additionalProperties", None)
    return {
        "name": model.type,
        "title": schema.pop("title"),
        "summary": schema.get("description", ""),
        "contentType": "application/json",
        "headers": _HEADERS,
        "payload": schema,
        "bindings": {
            "kafka": {"key": {"type": "string", "description": f"The {model.aggregate}."}, "bindingVersion": "0.5.0"}
        },
        "examples": [
            {"name": example.path.stem, "headers": example.headers, "payload": example.body}
            for example in examples(model.type)
        ],
    }


def _operations(declared: TopicFile) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in declared.every_topic():
        for service in topic.producers:
            operations[f"{service} says {topic.name}"] = _operation("send", topic)
        for group in topic.groups:
            operations[f"{group} handles {topic.name}"] = _operation("receive", topic) | {
                "bindings": {"kafka": {"groupId": {"const": group}, "bindingVersion": "0.5.0"}}
            }
        for service in topic.listeners:
            operations[f"{service} listens to {topic.name}"] = _operation("receive", topic)
    return operations


def _operation(action: str, topic: Topic) -> dict[str, Any]:
    # A name with a dot in it is one part of a JSON pointer all the same.
    return {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}


def main() -> None:
    """Write what the code says now."""
    FILE.write_text(text_of(document()))


if __name__ == "__main__":
    main()
