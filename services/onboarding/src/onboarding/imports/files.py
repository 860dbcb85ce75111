"""A file of ours or of a broker into lots and findings, all at once. Pure: nothing is stored, nothing looked up."""

from collections.abc import Sequence
from dataclasses import replace

from onboarding.imports.dialects import recognised
from onboarding.imports.dialects.dialect import Source
from onboarding.imports.findings import Field, Finding, ImportRefused
from onboarding.imports.flow import CashFlow, FlowRow
from onboarding.imports.lot import Lot
from onboarding.imports.matching import Fill, match
from onboarding.imports.movements import flow_of
from onboarding.imports.reader import REQUIRED_COLUMNS, read_table
from onboarding.imports.rows import Row, Validated, check_row, validate
from onboarding.imports.statement import Holding, Statement, Trade
from onboarding.imports.terms import Terms
from onboarding.imports.text import decode


def read_file(content: bytes, terms: Terms, *, max_rows: int) -> Validated:
    """The lots of a file in any known layout, and every finding.

    Our CSV gives a lot a row. A broker's positions give a lot each; its trades are matched into lots where the file has
    no positions. Raises ImportRefused for a file that cannot be read as a whole, or has nothing to enter.
    """
    text = decode(content)
    source = Source(text.text)
    dialect = None if source.has_table(REQUIRED_COLUMNS) else recognised(source)
    if dialect is None:
        table = read_table(source.sheet, max_rows=max_rows)
        found = validate(table.rows, terms.today, table.errors)
        return replace(found, warnings=[*text.warnings, *table.warnings, *found.warnings])
    statement = dialect.read(source, terms)
    if (
        max(len(statement.holdings), len(statement.trades) + len(statement.movements)) + len(statement.errors)
        > max_rows
    ):
        raise ImportRefused("too_many_rows", f"The file has more than {max_rows:,} rows; send it in parts.")
    found = _of_holdings(statement, terms) if statement.holdings else _of_trades(statement, terms)
    if not found.rows or len(found.flows) == found.rows:
        message = f"The file is recognised as {dialect.title}, and has neither positions nor trades."
        raise ImportRefused("nothing_to_import", message)
    return replace(
        found,
        warnings=[*text.warnings, *found.warnings, *_left_out(statement)],
        dialect=dialect.name,
        left_out=sum(count for _, count in statement.left_out.values()),
    )


def _of_holdings(statement: Statement, terms: Terms) -> Validated:
    """Positions are the whole truth of their day: trades in the same file have led to them."""
    led_to_them = [
        *(trade.row.place for trade in statement.trades),
        *(movement.place for movement in statement.movements),
        *(error.place for error in statement.activity_errors),
    ]
    for place in sorted(led_to_them):
        statement.leave_out(place, "activity that led to the positions")
    checked = _Checked(terms)
    placed = [(holding.row.place, lot) for holding in statement.holdings if (lot := checked.lot(holding)) is not None]
    checked.note_identical(placed)
    warnings = [*statement.warnings, *checked.warnings]
    return _validated(
        placed,
        rows=len(statement.holdings) + len(statement.errors),
        errors=[*statement.errors, *checked.errors],
        warnings=warnings,
        rejected=checked.rejected + len(statement.errors),
    )


def _of_trades(statement: Statement, terms: Terms) -> Validated:
    checked = _Checked(terms)
    seen: dict[tuple[str, str], int] = {}
    fills = []
    for trade in statement.trades:
        repeated = _repetition(trade, seen)
        lot = checked.lot(trade, repeated)
        if lot is not None:
            fills.append(Fill(trade, lot))
    checked.note_identical([(fill.place, fill.lot) for fill in fills])
    matched = match(fills, statement.splits)
    refused = [*statement.errors, *statement.activity_errors]
    flows, wrong = _flows(statement, terms)
    found = _validated(
        list(zip(matched.places, matched.lots, strict=True)),
        rows=len(statement.trades) + len(refused) + len(statement.movements),
        errors=[*refused, *checked.errors, *matched.errors, *wrong],
        warnings=[*statement.warnings, *checked.warnings, *matched.warnings],
        rejected=checked.rejected + len(refused) + len(matched.errors) + len(statement.movements) - len(flows),
    )
    return replace(found, flows=flows)


def _flows(statement: Statement, terms: Terms) -> tuple[list[FlowRow], list[Finding]]:
    flows: list[FlowRow] = []
    errors: list[Finding] = []
    for movement in statement.movements:
        flow = flow_of(movement, terms.today)
        if isinstance(flow, CashFlow):
            title = movement.amount_title
            flows.append(FlowRow(flow=flow, place=movement.place, amount=movement.amount, amount_title=title))
        else:
            errors += flow
    return flows, errors


class _Checked:
    """The rules on a broker's rows. What the dialect found about a field comes instead of what the rules find there."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.rejected = 0

    def lot(self, entry: Holding | Trade, *more: Finding | None) -> Lot | None:
        """The row as a lot; null, with its errors noted, where there are any."""
        checked = check_row(entry.row, self._terms.today)
        found = [*entry.found, *(finding for finding in more if finding is not None)]
        known = {finding.field for finding in found}
        if isinstance(entry, Trade) and entry.closes_only:
            known |= {Field.ENTRY_PRICE, Field.ENTRY_DATE}
        errors = [*found, *(error for error in checked.errors if error.field not in known)]
        if isinstance(entry, Trade):
            errors += _wrong_side(entry, checked.lot)
        self.errors += errors
        if errors:
            self.rejected += 1
            return None
        assert checked.lot is not None, "what is wrong with the entry of a closing trade is wrong with its exit too"
        self.warnings += checked.warnings
        return checked.lot

    def note_identical(self, placed: Sequence[tuple[int, Lot]]) -> None:
        first_seen: dict[Lot, int] = {}
        for place, lot in placed:
            if lot not in first_seen:
                first_seen[lot] = place
            else:
                message = f"The same as row {first_seen[lot]}; both are kept."
                self.warnings.append(Finding(place, None, "identical_row", message, lot.symbol))


def _repetition(trade: Trade, seen: dict[tuple[str, str], int]) -> Finding | None:
    key, place = (trade.account, trade.transaction), trade.row.place
    if not trade.transaction or key not in seen:
        seen[key] = place
        return None
    message = f"Row {seen[key]} has the same transaction number."
    return Finding(place, None, "transaction_repeated", message, trade.transaction)


def _wrong_side(trade: Trade, lot: Lot | None) -> list[Finding]:
    if lot is None or lot.quantity > 0:
        return []
    row: Row = trade.row
    message, sent = "A purchase of less than nothing.", row.cells.get(Field.QUANTITY, "")
    title = row.titles.get(Field.QUANTITY)
    return [Finding(row.place, Field.QUANTITY, "quantity_contradicts_side", message, sent, title)]


def _left_out(statement: Statement) -> list[Finding]:
    return [
        Finding(place, None, "rows_left_out", f"{count:,} of this kind: no positions, left out.", kind)
        for kind, (place, count) in statement.left_out.items()
    ]


def _validated(
    placed: Sequence[tuple[int, Lot]],
    *,
    rows: int,
    errors: Sequence[Finding],
    warnings: Sequence[Finding],
    rejected: int,
) -> Validated:
    by_place = sorted(errors, key=lambda finding: finding.place)
    lots, places = [lot for _, lot in placed], [place for place, _ in placed]
    return Validated(rows, lots, by_place, warnings, places, rejected=rejected)
