"""An independent book of every valuation ever committed, kept by the database itself."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from observer.tables import Tables

# Deferred to the commit: then the snapshot that belongs to the head is there too.
INSTALL = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.ledger (
    portfolio_id uuid NOT NULL, valuation bigint NOT NULL, portfolio_version bigint NOT NULL, edition bigint NOT NULL,
    session date NOT NULL, nav numeric(24, 4), PRIMARY KEY (portfolio_id, valuation)
);
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO chaos.ledger SELECT NEW.portfolio_id, NEW.valuation, NEW.portfolio_version, NEW.edition, NEW.session,
        (SELECT nav FROM valuations.portfolio_snapshots
         WHERE portfolio_id = NEW.portfolio_id AND session = NEW.session);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON valuations.valuation_heads
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos.note();
"""
"""A valuation that is written twice under one number breaks the primary key, and with it the fold."""


@dataclass(frozen=True, slots=True)
class Entry:
    portfolio_version: int
    edition: int
    session: date
    nav: float | None


def read_ledger(tables: Tables) -> dict[tuple[UUID, int], Entry]:
    """By portfolio and valuation."""
    rows = tables.rows("SELECT * FROM chaos.ledger")
    return {
        (UUID(int=row["portfolio_id"].int), row["valuation"]): Entry(
            row["portfolio_version"],
            row["edition"],
            row["session"],
            None if row["nav"] is None else float(row["nav"]),
        )
        for row in rows
    }
