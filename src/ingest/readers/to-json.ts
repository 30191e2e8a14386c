import type { Json } from '../terms.ts'
import { cleanText } from './clean-text.ts'

/** The value as JSON that Postgres can store, with clean strings and finite numbers, or undefined if it is not JSON. */
export function toJson(value: unknown): Json | undefined {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(toJson).filter(item => item !== undefined)
  if (typeof value === 'object') return recordJson(value)
  return undefined
}

function recordJson(value: object): { readonly [key: string]: Json } {
  const entries = Object.entries(value).map(([key, item]) => [cleanText(key), toJson(item)] as const)
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined))
}
