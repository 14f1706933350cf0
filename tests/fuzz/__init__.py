"""What nobody should send, sent: to the gRPC server, and back from Facebook."""
