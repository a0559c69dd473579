"""What is so, and what follows: pure functions over plain values. No clock, no database, no network."""
