#!/usr/bin/env bash
# Installs what tests start servers from, where that is possible; tests skip, with the reason, where not.
set -u
azurite=3.37.0
cd "$(dirname "$0")/.." || exit 0

packages=(chromium:chromium mariadbd:mariadb-server initdb:postgresql)
missing=()
for entry in "${packages[@]}"; do
	PATH=$PATH:/usr/sbin:$(printf '%s:' /usr/lib/postgresql/*/bin) command -v "${entry%%:*}" >/dev/null 2>&1 || missing+=("${entry##*:}")
done
if [ "${#missing[@]}" -gt 0 ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "Installing for the tests: ${missing[*]}"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >/dev/null 2>&1 ||
			echo "Could not install ${missing[*]}; the tests that need them will be skipped."
	else
		echo "Not installed: ${missing[*]}; the tests that need them will be skipped."
	fi
fi

if [ ! -x .cache/azurite/node_modules/.bin/azurite-blob ]; then
	if command -v npm >/dev/null 2>&1; then
		echo "Installing for the tests: azurite"
		npm install --prefix .cache/azurite --no-audit --no-fund --loglevel=error "azurite@$azurite" >/dev/null 2>&1 ||
			echo "Could not install azurite; the tests that need it will be skipped."
	else
		echo "Not installed: npm; the tests that need azurite will be skipped."
	fi
fi
exit 0
