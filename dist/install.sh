#!/bin/sh
# Installs Polder: takes the archive for this machine from a release, holds it against the release's sums, and puts the
# command into a folder.
#
#   curl -fsSL https://github.com/polder-dev/polder/releases/latest/download/install.sh | sh
#   sh install.sh --to /usr/local/bin
#
# Nothing is installed unless everything fits: the sum, what is in the archive, and the version that the command says.
set -eu

# Both are those of Cargo.toml, which a test holds them against.
REPOSITORY=https://github.com/polder-dev/polder
VERSION=0.1.0

usage() {
  cat <<USAGE
Installs the command polder.

Usage: install.sh [--to DIR] [--version VERSION] [--from URL] [--target TARGET]

  --to DIR           the folder for the command; ~/.local/bin without it
  --version VERSION  another version than $VERSION
  --from URL         the folder with the archives and SHA256SUMS, such as a mirror; else that of the release
  --target TARGET    the platform, such as aarch64-unknown-linux-musl; else that of this machine
USAGE
}

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  printf 'nothing was installed\n' >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# Which archive this machine takes. That of Linux is linked to no library, so there is one for every distribution.
platform() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
  esac
  case $system in
    Linux) target=$machine-unknown-linux-musl ;;
    Darwin)
      # A shell that runs translated is told of a processor that is not there.
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 1 ]; then machine=aarch64; fi
      target=$machine-apple-darwin
      ;;
    MINGW* | MSYS* | CYGWIN*) target=$machine-pc-windows-msvc ;;
    *) target=$machine-unknown-$system ;;
  esac
}

# Refuses a platform that there is no archive for.
known() {
  case $target in
    x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | x86_64-apple-darwin | aarch64-apple-darwin) suffix=tar.gz ;;
    x86_64-pc-windows-msvc) suffix=zip ;;
    *)
      fail "there is no archive for $target" \
        "with a Rust toolchain: cargo install --locked --git $REPOSITORY --tag v$version polder"
      ;;
  esac
}

# download URL FILE
download() {
  if has curl; then
    curl --fail --silent --show-error --location --retry 2 --output "$2" "$1"
  elif has wget; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is here to download with"
  fi
}

# sum FILE
sum() {
  case $summer in
    sha256sum) sha256sum "$1" ;;
    shasum) shasum -a 256 "$1" ;;
    openssl) openssl dgst -sha256 -r "$1" ;;
  esac | cut -d ' ' -f 1
}

main() {
  to=
  version=$VERSION
  from=
  target=
  while [ $# -gt 0 ]; do
    option=$1
    case $option in
      -h | --help)
        usage
        exit 0
        ;;
      --to | --version | --from | --target)
        [ $# -ge 2 ] && [ -n "$2" ] || fail "$option takes a value"
        value=$2
        shift 2
        ;;
      --to=* | --version=* | --from=* | --target=*)
        value=${option#*=}
        option=${option%%=*}
        [ -n "$value" ] || fail "$option takes a value"
        shift
        ;;
      *)
        usage >&2
        fail "$option is not understood"
        ;;
    esac
    case $option in
      --to) to=$value ;;
      --version) version=${value#v} ;;
      --from) from=${value%/} ;;
      --target) target=$value ;;
    esac
  done
  if [ -z "$to" ]; then
    [ -n "${HOME:-}" ] || fail "HOME is not set; say where with --to DIR"
    to=$HOME/.local/bin
  fi
  [ -n "$from" ] || from=$REPOSITORY/releases/download/v$version
  [ -n "$target" ] || platform
  known

  folder=polder-$version-$target
  archive=$folder.$suffix
  binary=polder
  [ "$suffix" = tar.gz ] || binary=polder.exe

  for summer in sha256sum shasum openssl none; do
    if has $summer; then break; fi
  done
  [ $summer != none ] || fail "none of sha256sum, shasum and openssl is here to check the archive with"
  # Asked before anything is downloaded.
  mkdir -p "$to" 2>/dev/null && [ -d "$to" ] && [ -w "$to" ] ||
    fail "cannot write into $to" "choose another folder with --to DIR"

  scratch=$(mktemp -d) || fail "cannot make a folder for temporary files"
  new=
  trap 'rm -rf "$scratch"; [ -z "$new" ] || rm -f "$new"' EXIT
  trap 'exit 1' HUP INT TERM

  download "$from/SHA256SUMS" "$scratch/SHA256SUMS" || fail "cannot download $from/SHA256SUMS"
  expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$scratch/SHA256SUMS")
  case $expected in
    *[!0-9a-f]* | '') fail "SHA256SUMS of version $version has no one sum for $archive" ;;
  esac
  download "$from/$archive" "$scratch/$archive" || fail "cannot download $from/$archive"
  actual=$(sum "$scratch/$archive")
  [ "$actual" = "$expected" ] || fail "$archive is not what the release says" \
    "its sum is  $actual" "it has to be $expected"

  if [ "$suffix" = zip ]; then
    has unzip || fail "unzip is not here to open $archive with"
    unzip -q "$scratch/$archive" -d "$scratch" || fail "$archive cannot be opened"
  else
    tar -xzf "$scratch/$archive" -C "$scratch" || fail "$archive cannot be opened"
  fi
  [ -f "$scratch/$folder/$binary" ] || fail "$archive holds no $folder/$binary"
  # A folder of temporary files is often mounted without the right to run what is in it, and the target's is not.
  new=$(mktemp "$to/.polder.XXXXXX") || fail "cannot write into $to" "choose another folder with --to DIR"
  cp "$scratch/$folder/$binary" "$new" && chmod 755 "$new" || fail "cannot write into $to"
  said=$("$new" version 2>&1) || fail "the command of $archive does not run here" "$said"
  [ "$said" = "polder $version" ] || fail "the command of $archive says that it is \"$said\", not \"polder $version\""
  mv -f "$new" "$to/$binary" || fail "cannot write $to/$binary"
  new=

  printf 'installed %s as %s\n' "$said" "$to/$binary"
  case :${PATH:-}: in
    *":$to:"*) ;;
    *) printf '%s is not on your path yet: export PATH="%s:$PATH"\n' "$to" "$to" ;;
  esac
  printf 'completions for your shell: polder completions --help\n'
}

# The last line, so that a script which was cut off on its way does nothing.
main "$@"
