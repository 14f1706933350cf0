"""Chaos with real processes."""

import os

# Processes are started beside gRPC's threads by exec; its fork handlers would only complain.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
