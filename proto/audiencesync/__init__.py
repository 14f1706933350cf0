"""The API of Audience Sync: messages and service stubs."""
