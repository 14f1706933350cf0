"""Postgres: what is desired, what was done, and who may work on it now."""
