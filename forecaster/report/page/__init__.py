"""A result as one page of HTML that needs no network: text, tables, charts, and a picker of series."""
