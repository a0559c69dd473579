"""The installation: its servers, what is wrong with it, and who is told."""
