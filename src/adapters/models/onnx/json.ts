import { readFile } from 'node:fs/promises'
import { AskError } from '../../../errors.ts'

/** A JSON object of a model's configuration; undefined when there is no such file. */
export type Json = Readonly<Record<string, unknown>> | undefined

export type ReadJson = (name: string) => Promise<Json>

/** The setting that names a folder, for error messages. */
export type ModelSetting = 'EMBEDDING_MODEL' | 'RERANK_MODEL'

export async function readJson(setting: ModelSetting, file: string): Promise<Json> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Json) : undefined
  } catch (cause) {
    throw unusable(setting, file, 'is not valid JSON; download it again', cause)
  }
}

/** An error that names a file or folder of the model, what is wrong with it and what to do. */
export function unusable(setting: ModelSetting, path: string, why: string, cause?: unknown): AskError {
  return new AskError('model_failed', { detail: `${setting}: "${path}" ${why}`, cause })
}
