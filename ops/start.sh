#!/bin/sh
# start.sh [OPTIONS of audience-sync serve]: starts the installed service, for systemd and containers.
#
# A setting may also be a file of its name, so that secrets need not stand in the environment of a
# unit or container: AUDIENCE_SYNC_DATABASE_URL in systemd's credentials or in /run/secrets.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
for secrets in "${CREDENTIALS_DIRECTORY:-}" /run/secrets; do
  for file in "$secrets"/AUDIENCE_SYNC_*; do
    [ -n "$secrets" ] && [ -f "$file" ] || continue
    export "${file##*/}=$(cat "$file")"
  done
done
umask 077
exec "$folder/bin/audience-sync" serve "$@"
