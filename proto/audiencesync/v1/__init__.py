"""Version 1 of the API: audience_sync_pb2 has the messages of the calls, audience_sync_pb2_grpc the stub."""
