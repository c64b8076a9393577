# Replaces the default page by one with the title it is given.
$ErrorActionPreference = 'Stop'
$page = "<!doctype html><title>$env:SITE_TITLE</title><h1>$env:SITE_TITLE</h1>"
Set-Content -Path C:\inetpub\wwwroot\index.html -Value $page -Encoding UTF8
