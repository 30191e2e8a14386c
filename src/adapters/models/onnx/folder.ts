import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fingerprintOf } from './fingerprint.ts'
import { readJson, unusable, type Json, type ModelSetting, type ReadJson } from './json.ts'
import { manifestFile, usageIn } from './manifest.ts'
import { readPooling, type Unsupported } from './modules.ts'
import type { Pooling } from './pooling.ts'
import type { Prefixes } from '../prefixes.ts'

/** A model on disk, as sentence-transformers and optimum export it. */
export interface ModelFolder {
  readonly setting: ModelSetting
  /** Absolute path. */
  readonly folder: string
  /** Path relative to the folder: `onnx/model.onnx`. */
  readonly file: string
  /** Longest input in tokens, including the special tokens at the beginning and end. */
  readonly maxTokens: number
  /** A hash of the files that the model's results depend on. */
  readonly fingerprint: string
  readonly read: ReadJson
}

/** A sentence model. */
export interface OnnxFolder extends ModelFolder {
  /** Null when the folder does not say. */
  readonly pooling: Pooling | Unsupported | null
  /** Prefixes for each kind of text, as the folder names them. */
  readonly prefixes: Partial<Prefixes>
  /** Languages that it reads, where it was pulled. */
  readonly languages: readonly string[] | 'any'
}

/** Where exporters put the model; the exact one comes before the quantized one. */
const usualFiles = ['onnx/model.onnx', 'onnx/model_quantized.onnx', 'model.onnx', 'model_quantized.onnx']
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json']
const neededFiles: Readonly<Record<ModelSetting, readonly string[]>> = {
  EMBEDDING_MODEL: ['config.json', ...tokenizerFiles],
  RERANK_MODEL: tokenizerFiles,
}

/**
 * `path` is a folder or one model file in it (`…/onnx/model_quantized.onnx`). Rejects with everything that is missing.
 */
export async function readModelFolder(setting: ModelSetting, path: string): Promise<ModelFolder> {
  const { folder, file } = await locate(setting, resolve(path))
  await rejectIncomplete(setting, folder, file)
  const read: ReadJson = async name => await readJson(setting, join(folder, name))
  return {
    setting,
    folder,
    file,
    read,
    maxTokens: await readMaxTokens(read, setting, folder),
    // Weights of more than 2 GB are in a file next to the graph, under either name.
    fingerprint: await fingerprintOf(
      [file, `${file}_data`, `${file}.data`, 'tokenizer.json'].map(name => join(folder, name)),
    ),
  }
}

export async function readOnnxFolder(path: string): Promise<OnnxFolder> {
  const folder = await readModelFolder('EMBEDDING_MODEL', path)
  const usage = usageIn(await folder.read(manifestFile))
  return {
    ...folder,
    pooling: (await readPooling(folder.read)) ?? usage.pooling ?? null,
    prefixes: { ...usage.prefixes, ...prefixesOf(await folder.read('config_sentence_transformers.json')) },
    languages: usage.languages ?? 'any',
  }
}

async function locate(setting: ModelSetting, path: string): Promise<{ folder: string; file: string }> {
  const found = await stat(path).catch(() => null)
  if (found === null) throw unusable(setting, path, `does not exist${waysToPull(path)}`)
  if (!found.isDirectory()) {
    const folder = basename(dirname(path)) === 'onnx' ? dirname(dirname(path)) : dirname(path)
    return { folder, file: relative(folder, path) }
  }
  for (const file of usualFiles) if (await exists(join(path, file))) return { folder: path, file }
  throw unusable(
    setting,
    path,
    `has none of ${usualFiles.join(', ')}; export the model to ONNX, or name the file: ${setting}=onnx:FOLDER/FILE.onnx`,
  )
}

/** What to do where the folder is the one that a pull makes. */
function waysToPull(path: string): string {
  return basename(dirname(path)) === 'models' ? `; get the model with: askwell models pull ${basename(path)}` : ''
}

async function rejectIncomplete(setting: ModelSetting, folder: string, file: string): Promise<void> {
  const needed = neededFiles[setting]
  const present = await Promise.all(needed.map(async name => await exists(join(folder, name))))
  const missing = needed.filter((_, i) => !present[i])
  if (missing.length > 0)
    throw unusable(setting, folder, `lacks ${missing.join(', ')}; copy them from where the model came from`)
  for (const name of [file, 'tokenizer.json']) {
    if (await isGitPointer(join(folder, name)))
      throw unusable(setting, folder, `has only Git's pointer to ${name}; fetch the file itself with: git lfs pull`)
  }
}

/** A clone without Git LFS has a small text file in place of the model. */
async function isGitPointer(file: string): Promise<boolean> {
  const { size } = await stat(file)
  return size < 1000 && (await readFile(file, 'latin1')).startsWith('version https://git-lfs')
}

/** The smallest limit that is present: each exporter writes a different one. */
async function readMaxTokens(read: ReadJson, setting: ModelSetting, folder: string): Promise<number> {
  const [sentences, tokenizer, config] = await Promise.all(
    ['sentence_bert_config.json', 'tokenizer_config.json', 'config.json'].map(read),
  )
  const positions = config?.['max_position_embeddings']
  // RoBERTa-like models count positions from after the padding: 514 positions are 512 tokens.
  const unused = /roberta|camembert|mpnet/.test(String(config?.['model_type'])) ? 2 : 0
  const limits = [
    sentences?.['max_seq_length'],
    tokenizer?.['model_max_length'],
    typeof positions === 'number' ? positions - unused : undefined,
  ]
  // transformers writes 1e30 for a tokenizer without a limit.
  const known = limits.filter(limit => typeof limit === 'number').filter(limit => limit > 0 && limit < 1e6)
  if (known.length === 0)
    throw unusable(
      setting,
      folder,
      'does not say how long a text may be; write {"max_seq_length": 512}, or what the model takes, into sentence_bert_config.json',
    )
  return Math.min(...known)
}

/** Reads the prompts under every name that sentence-transformers has used for them; empty ones are ignored. */
function prefixesOf(config: Json): Partial<Prefixes> {
  const prompts = (config?.['prompts'] ?? {}) as Readonly<Record<string, unknown>>
  const first = (...names: string[]) =>
    names.map(name => prompts[name]).find(prompt => typeof prompt === 'string' && prompt !== '') as string | undefined
  const fallback = typeof config?.['default_prompt_name'] === 'string' ? [config['default_prompt_name']] : []
  const query = first('query', ...fallback)
  const passage = first('document', 'passage', 'corpus', ...fallback)
  return { ...(query !== undefined && { query }), ...(passage !== undefined && { passage }) }
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    found => found.isFile(),
    () => false,
  )
}
