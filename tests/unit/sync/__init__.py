"""Tests of the back wing: what it decides, without a database or a network."""
