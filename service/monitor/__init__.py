"""What a running service tells operators over HTTP: metrics, whether it lives, whether it is ready."""
