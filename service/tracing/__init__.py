"""Traces of calls, queries, syncs and Graph calls, for whoever has installed and asked for them."""
