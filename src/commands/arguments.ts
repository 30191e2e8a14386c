import { InvalidArgumentError } from 'commander'

/** Parsers of option values. They run before anything is opened, so a wrong value is a usage error (exit code 2). */

export function collectionName(text: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) return text
  throw new InvalidArgumentError(
    'Use at most 63 lowercase letters, digits, hyphens and underscores, starting with a letter or a digit.',
  )
}

export function wholeNumber(from: number, to: number): (text: string) => number {
  return text => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to) return Number(text)
    throw new InvalidArgumentError(`Use a whole number from ${from} to ${to}.`)
  }
}

export function languageCode(text: string): string {
  if (/^[a-z]{2,3}$/.test(text)) return text
  throw new InvalidArgumentError('Use a language code of two or three lowercase letters, such as en or kk.')
}

export type MetadataPairs = Readonly<Record<string, string>>

/** Adds one `key=value` pair to those of earlier options. */
export function metadataPair(text: string, before: MetadataPairs = {}): MetadataPairs {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('Use the form key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** `none`, or names of columns separated by commas. */
export function columnNames(text: string): 'none' | readonly string[] {
  if (text.trim().toLowerCase() === 'none') return 'none'
  const names = text.split(',').map(name => name.trim())
  if (names.every(name => name !== '')) return names
  throw new InvalidArgumentError('Use names of columns separated by commas, or none.')
}
