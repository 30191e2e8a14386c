import type { Json, ReadJson } from './json.ts'
import { poolings, type Pooling } from './pooling.ts'

/** What a model does behind its ONNX graph that we do not: good only if the graph does it as well. */
export interface Unsupported {
  readonly unsupported: string
}

interface Module {
  readonly type: string
  readonly path: string
}

/** Steps of sentence-transformers that we take, or that change no direction. */
const harmless = /\.(Transformer|Pooling|Normalize|Dropout)$/

/** How sentence-transformers makes one vector of a text; the mean where a folder says nothing, as it does itself. */
export async function readPooling(read: ReadJson): Promise<Pooling | Unsupported> {
  const modules = modulesOf(await read('modules.json'))
  const odd = modules.find(({ type }) => !harmless.test(type))
  if (odd) return { unsupported: `a layer of the kind ${odd.type}` }
  const path = modules.find(({ type }) => type.endsWith('.Pooling'))?.path ?? '1_Pooling'
  const config = await read(`${path}/config.json`)
  if (config === undefined) return 'mean'
  const modes = modesOf(config)
  const mode = poolings.find(pooling => pooling === modes[0])
  return mode === undefined || modes.length > 1 ? { unsupported: `the pooling ${modes.join(' + ') || 'none'}` } : mode
}

function modulesOf(json: unknown): Module[] {
  return Array.isArray(json) ? json.map(each => ({ type: String(each?.type), path: String(each?.path) })) : []
}

/** Written as a word (`pooling_mode: 'mean'`), or as a switch for each (`pooling_mode_mean_tokens: true`). */
function modesOf(config: NonNullable<Json>): string[] {
  const word = config['pooling_mode']
  if (typeof word === 'string') return [word]
  const switches = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true)
  return switches.map(key => key.replace('pooling_mode_', '').replace(/_tokens?$/, ''))
}
