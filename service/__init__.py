"""Audience Sync: keeps Facebook Custom Audiences equal to the memberships callers report."""
