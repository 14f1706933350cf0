#!/bin/sh
# ops/install.sh FOLDER [EXTRAS]: installs this checkout into FOLDER, a Python environment of its own.
# EXTRAS are those of pyproject.toml, with commas between them.
#
# Builds the wheel and installs it with the versions, and only the files, that requirements.lock names
# by their hashes. Afterwards FOLDER does not need the checkout:
#   FOLDER/bin/audience-sync   the commands        FOLDER/start.sh    starts the service
#   FOLDER/sbom.json           what is installed   FOLDER/wheels/     the wheel, for callers
# Needs Python 3.11 or newer (PYTHON chooses another one), and a package index.
# To upgrade, install into another folder; one that is in use must not change.
set -eu
umask 022  # the account that runs it is another one
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: ops/install.sh FOLDER [EXTRA,EXTRA]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
if [ -e "$1/bin/audience-sync" ]; then
  echo "install: $1 has an installation: choose a new folder" >&2
  exit 1
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "install: $python is not Python 3.11 or newer" >&2
  exit 1
fi

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
if ! command -v uv >/dev/null 2>&1; then
  "$python" -m venv "$tools/uv"
  "$tools/uv/bin/python" -m pip install -q --disable-pip-version-check uv
  PATH="$tools/uv/bin:$PATH"
fi
# uv trusts its own certificates unless told otherwise; a company's proxy is in the system's.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
fi
# Compiled now: later its files may not be written.
export UV_COMPILE_BYTECODE="${UV_COMPILE_BYTECODE:-1}"

uv build -q --wheel --python "$python" --out-dir "$folder/wheels" "$root"
uv venv -q --allow-existing --python "$python" "$folder"
extras=${2:+[$2]}
set -- "$folder"/wheels/audience_sync-*.whl
VIRTUAL_ENV="$folder" uv pip install -q --only-binary :all: \
  --constraint "$root/requirements.lock" "$1$extras"
cp "$root/ops/start.sh" "$folder/start.sh"
"$folder/bin/python" "$root/ops/sbom.py" >"$folder/sbom.json"
"$folder/bin/audience-sync" --version
