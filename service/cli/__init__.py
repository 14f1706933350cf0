"""The commands that people type. Each stands in a file of its own name; `main` lists them."""

import os

# Before grpc is loaded: starting and stopping Postgres forks, of which grpc would tell on stderr.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # noqa: TID251 - of grpc, no setting of ours
