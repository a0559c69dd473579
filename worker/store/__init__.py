"""Tables, queries, database. Knows SQL and the domain's words; knows no HTTP and asks no clock."""
