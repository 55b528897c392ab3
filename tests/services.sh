#!/usr/bin/env bash
# Installs the Debian packages that tests start servers from, where that is possible; tests skip, with the reason, where not.
set -u
packages=(chromium:chromium)
missing=()
for entry in "${packages[@]}"; do command -v "${entry%%:*}" >/dev/null 2>&1 || missing+=("${entry##*:}"); done
[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "Installing for the tests: ${missing[*]}"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >/dev/null 2>&1 ||
		echo "Could not install ${missing[*]}; the tests that need them will be skipped."
else
	echo "Not installed: ${missing[*]}; the tests that need them will be skipped."
fi
