# shellcheck shell=bash
# Makes container images without an engine; sourced, not run. The one form that all take: a Docker archive.

# copy_program FILE PLACE: a program with all shared libraries that it loads, into the folder $root. PLACE is
# where it lies in the image.
copy_program() {
  local library
  : "${root:?}"
  install -D -m 755 "$1" "$root/$2"
  while read -r library; do
    [ -e "$root$library" ] || install -D -m 755 "$library" "$root$library"
  done < <({ ldd "$1" 2> /dev/null || true; } | grep -o '/[^ ]*')
}

# write_archive FILE TAG[,TAG...] CONFIG: the folder $root as an image of one layer. CONFIG is its part
# "config", as JSON. The same files give the same bytes, whenever and by whomever it is made.
write_archive() {
  local file=$1 tags=$2 config=$3 work layer
  local tar=(tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu)
  work=$(mktemp -d "$(dirname "$file")/.image-XXXXXX")
  "${tar[@]}" -cf "$work/layer.tar" -C "$root" .
  layer=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
  cat > "$work/config.json" <<JSON
{"architecture":"$(image_architecture)","os":"linux","created":"1970-01-01T00:00:00Z","config":$config,"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
JSON
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]\n' "${tags//,/\",\"}" > "$work/manifest.json"
  "${tar[@]}" -cf "$work/image.tar" -C "$work" manifest.json config.json layer.tar
  mv "$work/image.tar" "$file"
  rm -r "$work"
}

# The machine's architecture as images name it.
image_architecture() {
  case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}
