import { InvalidArgumentError } from 'commander'

/** Values of options, checked before anything is opened: a wrong one is a fault of the command line (exit code 2). */

export function collectionName(text: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) return text
  throw new InvalidArgumentError(
    'It must be small letters, digits, - and _, at most 63, the first a letter or a digit.',
  )
}

export function languageCode(text: string): string {
  if (/^[a-z]{2,3}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a language code of two or three small letters, such as en or kk.')
}

export type MetadataPairs = Readonly<Record<string, string>>

/** One `key=value` more. */
export function metadataPair(text: string, before: MetadataPairs = {}): MetadataPairs {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('It must be key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}
