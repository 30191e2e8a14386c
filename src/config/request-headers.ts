import type { Kind } from './kinds.ts'

type Headers = Readonly<Record<string, string>>

const headerName = /^[\w!#$%&'*+.^`|~-]+$/
const headerValue = /^[\t\x20-\x7e]*$/
/** What the connection, or the body of each request, decides. */
const reserved = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])

/** Headers of our requests: lines of `Name: value`, which `;` may separate too, or a JSON object. Names in lower case. */
export const requestHeaders: Kind<Headers> = {
  allowed:
    'headers such as "X-Team: library", separated by ; or line ends, or a JSON object of them; not Host, Content-Type and others that each request has itself',
  read: text => {
    const pairs = text.startsWith('{') ? pairsOfJson(text) : pairsOfLines(text)
    const isValid = pairs?.every(
      ([name, value]) => headerName.test(name) && headerValue.test(value) && !reserved.has(name),
    )
    return pairs && isValid && pairs.length > 0 ? Object.fromEntries(pairs) : undefined
  },
}

type Pair = readonly [name: string, value: string]

function pairsOfLines(text: string): Pair[] | undefined {
  const lines = text.split(/[;\r\n]+/).filter(line => line.trim() !== '')
  const pairs = lines.map(line => /^([^:]+):(.*)$/.exec(line))
  if (pairs.includes(null)) return undefined
  return pairs.map(pair => pairOf(pair![1]!, pair![2]!))
}

function pairsOfJson(text: string): Pair[] | undefined {
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>)
    return entries.every(([, value]) => typeof value === 'string')
      ? entries.map(([name, value]) => pairOf(name, value as string))
      : undefined
  } catch {
    return undefined
  }
}

function pairOf(name: string, value: string): Pair {
  return [name.trim().toLowerCase(), value.trim()]
}
