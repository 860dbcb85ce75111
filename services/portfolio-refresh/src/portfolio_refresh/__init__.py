"""Every portfolio's P&L, snapshot and valuation, when the symbols are done."""
