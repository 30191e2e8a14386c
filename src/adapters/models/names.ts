/** The name of the model in the package, which stands beside its vectors; nobody sets it. */
export const localModel = 'use-lite-en'

/** `EMBEDDING_MODEL=onnx:FOLDER`: a model on disk. */
export const onnxScheme = 'onnx:'

const withPrefix = ' + '

/** A prefix before the passages makes other vectors; one before the questions is compared with the same ones. */
export function apiModelName(model: string, passagePrefix: string): string {
  return passagePrefix === '' ? model : `${model}${withPrefix}${passagePrefix.trim()}`
}

/** `onnx:multilingual-e5-small#1f0c2a9b44de`: the folder's own name, wherever it lies, and what its vectors depend on. */
export function onnxModelName(folderName: string, fingerprint: string): string {
  return `${onnxScheme}${folderName}#${fingerprint}`
}

/** A model as a person knows it. */
export function shownModel(name: string): string {
  return name === localModel ? 'local' : name
}

/** What to do to have the model again that made the vectors, given the one that is set now. */
export function wayBackTo(name: string, configured: string): string {
  if (configured.startsWith(name + withPrefix)) return 'unset EMBEDDING_PASSAGE_PREFIX'
  if (name.startsWith(onnxScheme)) {
    return `set EMBEDDING_MODEL=onnx:FOLDER to the "${name.slice(onnxScheme.length).replace(/#.*$/, '')}" of then, with the same model file, pooling and passage prefix`
  }
  const [model, prefix] = name.split(withPrefix)
  return `set EMBEDDING_MODEL=${shownModel(model ?? name)}${prefix === undefined ? '' : ` and EMBEDDING_PASSAGE_PREFIX="${prefix}"`}`
}
