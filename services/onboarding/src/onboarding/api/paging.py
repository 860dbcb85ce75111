"""Pages of lists: each names the address of the next."""

from fastapi import Request


def next_page(request: Request, last: object) -> str:
    """The address of the page behind `last`, the cursor of the last item of this one, with the same filters."""
    return f"{request.url.path}?{request.url.include_query_params(after=str(last)).query}"
