"""The gRPC side: validates, stores the wish or the change, and answers."""
