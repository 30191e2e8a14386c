/** Name of the bundled model as it is stored with its vectors. Users set `local` instead. */
export const localModel = 'use-lite-en'

/** `EMBEDDING_MODEL=onnx:FOLDER`: a model on disk. */
export const onnxScheme = 'onnx:'

const withPrefix = ' + '

/** The name includes the passage prefix because that changes the stored vectors. The query prefix does not. */
export function apiModelName(model: string, passagePrefix: string): string {
  return passagePrefix === '' ? model : `${model}${withPrefix}${passagePrefix.trim()}`
}

/**
 * For example `onnx:multilingual-e5-small#1f0c2a9b44de`: the folder's own name, wherever it is, and a hash of what its
 * vectors depend on.
 */
export function onnxModelName(folderName: string, fingerprint: string): string {
  return `${onnxScheme}${folderName}#${fingerprint}`
}

/** The name of a model as users know it. */
export function shownModel(name: string): string {
  return name === localModel ? 'local' : name
}

/** How to configure the model that made the vectors, starting from the one that is configured now. */
export function wayBackTo(name: string, configured: string): string {
  if (configured.startsWith(name + withPrefix)) return 'unset EMBEDDING_PASSAGE_PREFIX'
  if (name.startsWith(onnxScheme)) {
    return `set EMBEDDING_MODEL=onnx:FOLDER to the folder "${name.slice(onnxScheme.length).replace(/#.*$/, '')}" that made them, with the same model file, pooling and passage prefix`
  }
  const [model, prefix] = name.split(withPrefix)
  return `set EMBEDDING_MODEL=${shownModel(model ?? name)}${prefix === undefined ? '' : ` and EMBEDDING_PASSAGE_PREFIX="${prefix}"`}`
}
