"""The fake's own reading of how identifiers are brought into one form before hashing."""
