"""What creating from JSON and from a file have in common."""

from http import HTTPStatus

from fastapi import Response

from onboarding.api.answers import MOST_FINDINGS
from onboarding.api.details import Details
from onboarding.api.preconditions import tag_of
from onboarding.edits import Done
from onboarding.imports.renames import listed_symbol, under_new_names
from onboarding.imports.rows import Validated
from onboarding.portfolios import Portfolios
from onboarding.store import PortfolioRecord
from riskstream.runtime.problems import Problem


async def named_now(portfolios: Portfolios, owner: str, validated: Validated) -> Validated:
    """The same under the names that its symbols have now."""
    symbols = {listed[1] for listed in map(listed_symbol, validated.lots) if listed is not None}
    return under_new_names(validated, await portfolios.new_names(owner, sorted(symbols)))


async def answer_created(portfolios: Portfolios, owner: str, created: Done, response: Response) -> PortfolioRecord:
    """The portfolio, valued if that does not take long; 201 where it is new, else 200."""
    record = await portfolios.settled(owner, created)
    response.status_code = HTTPStatus.CREATED if created.is_new else HTTPStatus.OK
    response.headers["Location"] = f"/portfolios/{created.portfolio_id}"
    response.headers["ETag"] = tag_of(record.version)
    return record


def refuse_fields(details: Details) -> None:
    """Raise all that was noted about the fields, if there is anything."""
    if details.errors:
        count = len(details.errors)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "portfolio_invalid",
            f"{count:,} {'error' if count == 1 else 'errors'}; nothing was stored.",
            errors=details.errors[:MOST_FINDINGS],
        )
