"""The least that a worker of ours can do for a request: a FastAPI route that answers bytes it has in hand."""

import asyncio
import os
import sys

from fastapi import FastAPI, Response

from riskstream.runtime.health import Health
from riskstream.runtime.service import HttpPart, Service


async def serve(length: int) -> int:
    """Serve until SIGTERM, in the same service and the same uvicorn as analytics."""
    body = b'{"data":"' + b"x" * (length - 11) + b'"}'
    app = FastAPI()
    health = Health()
    app.include_router(health.router())

    @app.get("/bare")
    async def bare() -> Response:
        return Response(body, media_type="application/json")

    service = Service("bare-route", health)
    service.add("http", HttpPart(app, "127.0.0.1", int(os.environ["RISKSTREAM_HTTP_PORT"]), drain_seconds=2))
    return await service.run()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(int(sys.argv[1]))))
