"""A stand-in for Facebook's Custom Audiences API, for development and tests only."""
