#!/bin/bash
# Installs Apache with whichever package manager this system has.
set -euo pipefail

if command -v dnf >/dev/null; then
  dnf -y install httpd curl
elif command -v yum >/dev/null; then
  yum -y install httpd curl
else
  apt-get update -q
  apt-get install -q -y --no-install-recommends apache2 curl
fi
mkdir -p /var/www/html
