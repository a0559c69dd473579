"""Reports: what attendance and totals say, as rows."""
