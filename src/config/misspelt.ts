/**
 * Finds environment variables that are probably meant as one of our settings. Only names that differ in a way people
 * get wrong are reported: many other programs read the same environment.
 */

type Environment = Readonly<Record<string, string | undefined>>

/** Names from other programs, and what Askwell calls them. */
const aliases: Readonly<Record<string, string>> = {
  ALLOWED_ORIGINS: 'CORS_ORIGINS',
  DBURL: 'DATABASE_URL',
  OPENAI_API_BASE: 'OPENAI_BASE_URL',
  OPENAI_EMBEDDING_MODEL: 'EMBEDDING_MODEL',
  OPENAI_MODEL: 'CHAT_MODEL',
  OPENAI_CHAT_MODEL: 'CHAT_MODEL',
  TRUSTED_PROXIES: 'TRUST_PROXY',
}

/** Words that people add, leave out or exchange. */
const sameWords: Readonly<Record<string, string>> = {
  DB: 'DATABASE',
  DSN: 'URL',
  MAXIMUM: 'MAX',
  MILLISECONDS: 'MS',
  MSEC: 'MS',
  SEC: 'SECONDS',
  SECS: 'SECONDS',
  TOKEN: 'KEY',
  URI: 'URL',
}

const units = ['_MS', '_SECONDS', '_MB']

/** Shorter names have too many neighbours with a meaning of their own. */
const minLength = 7
/** From this length on, two letters may be wrong. */
const longLength = 12

/** Too common in other programs. */
const generic: readonly string[] = ['API_KEY']

/** OpenTelemetry's names for signals that Askwell does not export, and what Kubernetes sets for each service. */
const foreign =
  /^OTEL_(BLRP|METRIC|METRICS|LOGS|LOGRECORD|EXPORTER_OTLP_(METRICS|LOGS))_|_SERVICE_(HOST|PORT)\b|_PORT_\d/

/**
 * One entry per variable that is probably a misspelt setting. `known` are the names of all settings. A setting that is
 * set under its right name is suggested only for a name with the same words.
 */
export function misspeltIn(
  env: Environment,
  known: readonly string[],
): readonly { readonly name: string; readonly meant: string }[] {
  const names: Names = {
    missing: known.filter(name => !env[name]?.trim()),
    byForm: Map.groupBy(known, formOf),
    byWords: Map.groupBy(
      known.filter(name => !env[name]?.trim()),
      wordsOf,
    ),
  }
  return Object.keys(env).flatMap(name => {
    const value = env[name]?.trim() ?? ''
    if (known.includes(name) || value === '' || /^(tcp|udp|sctp):\/\//.test(value)) return []
    if (!/^[A-Z][A-Z\d_]*$/.test(name) || foreign.test(name) || generic.includes(name)) return []
    const meant = meantBy(name, names)
    return meant === undefined ? [] : [{ name, meant }]
  })
}

interface Names {
  /** Settings that are not set. */
  readonly missing: readonly string[]
  readonly byForm: ReadonlyMap<string, readonly string[]>
  readonly byWords: ReadonlyMap<string, readonly string[]>
}

function meantBy(name: string, { missing, byForm, byWords }: Names): string | undefined {
  const alias = aliases[name]
  if (alias !== undefined) return missing.includes(alias) ? alias : undefined
  const isLong = wordsOf(name).length >= minLength || name.startsWith('ASKWELL_')
  const same = byForm.get(formOf(name))?.[0] ?? byWords.get(wordsOf(name))?.[0]
  if (isLong && same !== undefined) return same
  const withUnit = missing.find(each => units.some(unit => each === name + unit))
  if (withUnit !== undefined) return withUnit
  if (name.length < minLength) return undefined
  const allowed = name.length >= longLength ? 2 : 1
  return missing.find(each => each.length >= minLength && isWithin(allowed, name, each))
}

/** The name without underscores, our name before it, and the word API, which is easily left out of "API_KEY". */
function formOf(name: string): string {
  return name
    .replace(/^ASKWELL_/, '')
    .replace(/_API(?=_KEYS?(_|$))/, '')
    .replaceAll('_', '')
}

/** The same, with words exchanged for ours. */
function wordsOf(name: string): string {
  return formOf(
    name
      .split('_')
      .map(word => sameWords[word] ?? word)
      .join('_'),
  )
}

/** True if at most `allowed` letters were added, left out, exchanged, or swapped with their neighbour. */
function isWithin(allowed: number, one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > allowed) return false
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const changed = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (isSame ? 0 : 1))
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      next.push(isSwapped ? Math.min(changed, before[j - 2]! + 1) : changed)
    }
    before = row
    row = next
  }
  return row[other.length]! <= allowed
}
