"""Files of brokers, and our own, as portfolios."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from riskstream_client import onboarding_models as models
from riskstream_client.connection import Answer, Connection, Id
from riskstream_client.editing import Version, conditions, portfolio_path
from riskstream_client.onboarding_bodies import Amount


class FileTerms(TypedDict, total=False):
    """How a file is read."""

    mode: Literal["all_or_nothing", "accept_valid"]
    """With one wrong row nothing is stored (the service's default), or all rows but the wrong ones."""
    file_date: date
    """Of which day a broker's positions are, where the file does not say; else today."""
    isins: Mapping[str, str]
    """Tickers by ISIN, for files that name ISINs only."""


class NewPortfolioTerms(FileTerms, total=False):
    """How a file becomes a portfolio."""

    declared_equity: Amount
    first_session: date


class Imports(Connection):
    """A file is given by its path or as its bytes; its layout is recognised by its header.

    It is its own key: the same one is stored once. An `idempotency_key` stands in its place.
    """

    def import_portfolio(
        self, name: str, file: Path | bytes, *, idempotency_key: str | None = None, **terms: Unpack[NewPortfolioTerms]
    ) -> models.ImportedPortfolio:
        """Create a portfolio from a file. Errors of rows, all at once, are the `errors` of ProblemReceived."""
        query = _query(terms) | {"name": name}
        headers = conditions(key=idempotency_key)
        return self._upload("/portfolios/import", file, models.ImportedPortfolio, query, headers)

    def try_import_portfolio(
        self, name: str, file: Path | bytes, *, idempotency_key: str | None = None, **terms: Unpack[NewPortfolioTerms]
    ) -> models.DryRun:
        """What the same import would come to; nothing is stored."""
        query = _query(terms) | {"name": name, "dry_run": True}
        return self._upload("/portfolios/import", file, models.DryRun, query, conditions(key=idempotency_key))

    def import_into_portfolio(
        self,
        portfolio: Id,
        file: Path | bytes,
        *,
        version: Version | None = None,
        idempotency_key: str | None = None,
        **terms: Unpack[FileTerms],
    ) -> models.AddedFile:
        """Add a file's lots and flows, in one version; `version` is the portfolio's, where none may have come since."""
        headers = conditions(version=version, key=idempotency_key)
        path = f"{portfolio_path(portfolio)}/import"
        return self._upload(path, file, models.AddedFile, _query(terms), headers)

    def try_import_into_portfolio(
        self,
        portfolio: Id,
        file: Path | bytes,
        *,
        version: Version | None = None,
        idempotency_key: str | None = None,
        **terms: Unpack[FileTerms],
    ) -> models.DryRun:
        """What the same import would come to; nothing is stored."""
        headers = conditions(version=version, key=idempotency_key)
        path = f"{portfolio_path(portfolio)}/import"
        return self._upload(path, file, models.DryRun, _query(terms) | {"dry_run": True}, headers)

    def _upload(
        self,
        path: str,
        file: Path | bytes,
        answer: type[Answer],
        query: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Answer:
        content = file.read_bytes() if isinstance(file, Path) else file
        # The service looks at the content: this says of Flex files, which are XML, no more than that they are files.
        typed = {"Content-Type": "text/csv"}
        return self._ask("POST", path, answer, query=query, headers=typed | dict(headers), content=content)


def _query(terms: FileTerms | NewPortfolioTerms) -> dict[str, Any]:
    said = dict(terms)
    return said | ({"isins": json.dumps(terms["isins"])} if "isins" in terms else {})
