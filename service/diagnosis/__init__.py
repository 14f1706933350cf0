"""Judges facts about an installation, its ad accounts and its audiences. Pure functions only.

Facts come in, findings go out: each says what is wrong, how bad that is, by what it shows, and the one
thing to do.
"""
