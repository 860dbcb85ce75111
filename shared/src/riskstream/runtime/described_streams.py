"""What an OpenAPI document says of a stream of events: each event with its name, its fields and the schema of its JSON.

OpenAPI 3.1 has no word for a stream (3.2 has `itemSchema`): it is described as the list of its events, which is how 3.2
reads the `schema` of this media type as well. `data` is text that holds JSON, as JSON Schema's `contentSchema` says it.
"""

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import BaseModel, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from riskstream.runtime.server_sent_events import MEDIA_TYPE, Interrupted


class DescribedStream(Response):
    """The `response_class` of a route whose `responses` name a list of events as the model of 200."""

    media_type = MEDIA_TYPE


class AsText:
    """Marks a model, `Annotated[Model, AsText()]`, that is sent as text in JSON within what it is a field of."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described: dict[str, Any] = {"type": "string", "contentMediaType": "application/json"}
        return described | {"contentSchema": handler(schema)}


class InterruptedEvent(BaseModel):
    """What ends a stream before its end. It has no id: the client comes back with that of the event before."""

    event: Literal["interrupted"]
    data: Annotated[Interrupted, AsText()]
    retry: int = Field(description="Milliseconds to wait before coming back.")
