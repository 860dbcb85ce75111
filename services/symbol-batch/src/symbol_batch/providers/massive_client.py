"""Massive's REST API: one question, all its pages, within a deadline; each failure with its outcome."""

from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

import orjson
from curl_cffi.requests import Response
from curl_cffi.requests.exceptions import RequestException

from symbol_batch.providers.http_session import BoundedSession, Closed, Deadline, NotSent, RequestHook, told
from symbol_batch.providers.provider import Failure, Outcome, Unusable
from symbol_batch.providers.worker_pool import WorkerPool

KEY_VARIABLE = "RISKSTREAM_MASSIVE_KEY"
REQUEST_TIMEOUT = 30.0
MOST_PAGES = 100
"""Of one question: 500,000 rows. More are a chain of addresses that leads nowhere."""
_GOOD = {"OK", "DELAYED"}

Row: TypeAlias = dict[str, Any]


class MassiveClient:
    """Asks in at most `concurrency` threads. The key goes in a header and to no other host than `base`."""

    def __init__(self, *, base: str, key: str, deadline: float, concurrency: int, hook: RequestHook | None) -> None:
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._base = base.rstrip("/")
        self._session = BoundedSession(base, hook, headers=headers, allow_redirects=False)
        self._deadline = deadline
        self._pool = WorkerPool("massive", concurrency, self._session)

    async def rows(self, path: str, parameters: dict[str, str]) -> list[Row]:
        """The `results` of all pages. Raises Unusable with the outcome where there are none."""
        deadline = Deadline(self._deadline)
        too_late = Failure(Outcome.TRANSPORT, f"no answer within {self._deadline:g} s")
        rows = await self._pool.run(deadline, partial(self._fetch, path, parameters, deadline), too_late)
        if isinstance(rows, Failure):
            raise Unusable(rows.outcome, rows.detail)
        return rows

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _fetch(self, path: str, parameters: dict[str, str], deadline: Deadline) -> list[Row] | Failure:
        self._session.begin(deadline)
        try:
            return self._pages(path, parameters)
        except Unusable as unusable:
            return unusable.failure
        except NotSent as error:
            return Failure(Outcome.RATE_LIMITED, str(error))
        except (RequestException, Closed) as error:
            return Failure(Outcome.TRANSPORT, f"no answer ({told(error)})")

    def _pages(self, path: str, parameters: dict[str, str]) -> list[Row]:
        rows: list[Row] = []
        page = read_page(self._session.get(self._base + path, params=parameters, timeout=REQUEST_TIMEOUT))
        for _ in range(MOST_PAGES):
            rows += page["results"]
            if page["next_url"] is None:
                return rows
            # The address holds the whole question. Whatever host it names, the session asks `base`.
            page = read_page(self._session.get(page["next_url"], timeout=REQUEST_TIMEOUT))
        raise Unusable(Outcome.BAD_DATA, f"{path} has more than {MOST_PAGES} pages: its next_url leads nowhere")


def read_page(response: Response) -> Row:
    """`results` (a list of objects) and `next_url` (text or None) of an answer; Unusable for any other answer."""
    body = response.content
    beginning = " ".join(body[:200].decode("utf-8", "replace").split())[:120]
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unusable(Outcome.RATE_LIMITED, "the provider answered 429 Too Many Requests")
    if not beginning.startswith("{"):
        raise Unusable(Outcome.TRANSPORT, f"HTTP {status} with a page instead of JSON: {beginning or 'an empty body'}")
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unusable(Outcome.TRANSPORT, f"the answer broke off ({error})") from error
    said = page.get("error") or page.get("message") or beginning
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = f"look at {KEY_VARIABLE}, and at what its plan includes"
        raise Unusable(Outcome.TRANSPORT, f"HTTP {status}: {said}; {advice}")
    if status != HTTPStatus.OK or page.get("status") not in _GOOD:
        raise Unusable(Outcome.TRANSPORT, f"HTTP {status}, status {page.get('status')}: {said}")
    return _checked(page)


def _checked(page: Row) -> Row:
    results, following = page.get("results") or [], page.get("next_url")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise Unusable(Outcome.BAD_DATA, "`results` is no list of objects")
    if following is not None and not isinstance(following, str):
        raise Unusable(Outcome.BAD_DATA, f"`next_url` is {following!r}, no address")
    count = page.get("resultsCount", len(results))
    if count != len(results):
        raise Unusable(Outcome.TRANSPORT, f"the answer names {count} results and holds {len(results)}")
    return {"results": results, "next_url": following}
