#!/bin/bash
# On a test instance systemd has started the server; elsewhere it is started here.
set -euo pipefail

if ! curl -fsS -o /dev/null http://localhost/; then
  if command -v httpd >/dev/null; then httpd -k start; else apachectl start; fi
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    curl -fsS -o /dev/null http://localhost/ && break
    sleep 0.5
  done
fi
curl -fsS http://localhost/ | grep -F 'It was built, not configured.'
curl -fsS http://localhost/style.css | grep -F 'font-family'
