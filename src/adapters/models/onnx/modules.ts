import type { Json, ReadJson } from './json.ts'
import { poolings, type Pooling } from './pooling.ts'

/** A step after the ONNX graph that Askwell does not implement. The model is usable only if the graph includes it. */
export interface Unsupported {
  readonly unsupported: string
}

interface Module {
  readonly type: string
  readonly path: string
}

/** Modules of sentence-transformers that Askwell implements, or that do not change the direction of a vector. */
const harmless = /\.(Transformer|Pooling|Normalize|Dropout)$/

/** How sentence-transformers pools token vectors into one. Null when the folder does not say. */
export async function readPooling(read: ReadJson): Promise<Pooling | Unsupported | null> {
  const modules = modulesOf(await read('modules.json'))
  const odd = modules.find(({ type }) => !harmless.test(type))
  if (odd) return { unsupported: `a layer of the kind ${odd.type}` }
  const path = modules.find(({ type }) => type.endsWith('.Pooling'))?.path ?? '1_Pooling'
  const config = await read(`${path}/config.json`)
  if (config === undefined) return null
  const modes = modesOf(config)
  const mode = poolings.find(pooling => pooling === modes[0])
  return mode === undefined || modes.length > 1 ? { unsupported: `the pooling ${modes.join(' + ') || 'none'}` } : mode
}

function modulesOf(json: unknown): Module[] {
  return Array.isArray(json) ? json.map(each => ({ type: String(each?.type), path: String(each?.path) })) : []
}

/** The mode is either a word (`pooling_mode: 'mean'`) or a flag for each (`pooling_mode_mean_tokens: true`). */
function modesOf(config: NonNullable<Json>): string[] {
  const word = config['pooling_mode']
  if (typeof word === 'string') return [word]
  const switches = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true)
  return switches.map(key => key.replace('pooling_mode_', '').replace(/_tokens?$/, ''))
}
