import { atLeast } from '../support/at-least.ts'
import { isOfTheMachine } from '../support/findings.ts'
import { clientOf, type LogLine } from '../support/service.ts'
import type { World } from './world.ts'

/** What the monitoring must say of a fault while it lasts; null: nothing. */
export interface Expected {
  readonly culprit: string
  /** Of its finding; any of several. */
  readonly codes: readonly string[]
}

/** What it said. */
export interface Witnessed {
  /** The gravest of the service's verdicts. */
  readonly verdict: string
  /** `culprit: code` of the first finding, as it was most of the time; null: there was none. */
  readonly first: string | null
  /** All findings, the most frequent first. */
  readonly findings: readonly string[]
  /** The first line of the log that names culprit and code, with its level; null: none did. */
  readonly logged: string | null
  /** What does not hold, in words. */
  readonly broken: readonly string[]
}

interface Finding {
  readonly culprit: string
  readonly code: string
}

interface Look {
  readonly verdict: string
  readonly findings: readonly Finding[]
}

const verdicts = ['ok', 'degraded', 'failing']
const everyMs = 250

/** Looks at GET /monitoring/pool-status as an operator would, until `stop`. */
export function startWitness({ url, service }: World) {
  const looks: Look[] = []
  const began = new Date().toISOString()
  const ending = new AbortController()
  const looking = (async () => {
    while (!ending.signal.aborted) {
      const reply = await clientOf(url)
        .send('GET', '/monitoring/pool-status')
        .catch(() => null)
      if (reply?.status === 200) looks.push(reply.json.service as Look)
      await atLeast(everyMs)
    }
  })()

  async function stop(): Promise<readonly Look[]> {
    ending.abort()
    await looking
    return looks
  }

  const log = () => service.log.filter(({ time }) => String(time) >= began)
  /** By its findings and in its log. */
  const hasFound = (expected: Expected | null) =>
    expected === null ||
    (looks.some(({ findings }) => findings.some(each => isOf(expected, each))) &&
      log().some(line => line['severity'] !== undefined && isOf(expected, line)))
  return { stop, log, hasFound }
}

function isOf(expected: Expected, { culprit, code }: { readonly culprit?: unknown; readonly code?: unknown }): boolean {
  return culprit === expected.culprit && expected.codes.some(each => each === code)
}

/** The service itself was kept from its work. */
export function saysBusy(looks: readonly Look[]): boolean {
  return looks.some(({ findings }) =>
    findings.some(({ code }) => code === 'event-loop-blocked' || code === 'process-stood-still'),
  )
}

export function judge(looks: readonly Look[], log: readonly LogLine[], expected: Expected | null): Witnessed {
  const nameOf = ({ culprit, code }: Finding) => `${culprit}: ${code}`
  const isOwn = ({ culprit, code }: Finding) => expected?.culprit === culprit || !isOfTheMachine(code)
  const first = mostOf(looks.flatMap(({ findings }) => findings.filter(isOwn).slice(0, 1).map(nameOf)))[0] ?? null
  const findings = mostOf(looks.flatMap(each => each.findings.map(nameOf)))
  const verdict = verdicts[Math.max(0, ...looks.map(each => verdicts.indexOf(each.verdict)))] as string
  const names = expected === null ? [] : expected.codes.map(code => `${expected.culprit}: ${code}`)
  const line = log.find(
    ({ culprit, code, severity }) =>
      severity !== undefined && (expected === null ? !isOfTheMachine(code) : names.includes(`${culprit}: ${code}`)),
  )
  const logged = line === undefined ? null : `${line['level']} ${line['code']}`
  return {
    verdict,
    first,
    findings,
    logged,
    broken: wrongs({ first, findings, logged, looked: looks.length }, expected, names),
  }
}

interface Said extends Pick<Witnessed, 'first' | 'findings' | 'logged'> {
  readonly looked: number
}

function wrongs(
  { first, findings, logged, looked }: Said,
  expected: Expected | null,
  names: readonly string[],
): string[] {
  if (looked === 0) return ['the monitoring did not answer once']
  if (expected === null) return logged === null ? [] : [`nothing is wrong, but the log says: ${logged}`]
  return [
    ...(names.some(name => findings.includes(name))
      ? []
      : [`the monitoring was to find ${names.join(' or ')}, and found ${findings.join(', ') || 'nothing'}`]),
    // Nobody is worse off by what clients do to themselves: what else there is comes first.
    ...(expected.culprit === 'clients' || first?.startsWith(`${expected.culprit}: `)
      ? []
      : [`the monitoring was to blame ${expected.culprit} first, and blamed ${first ?? 'nobody'}`]),
    ...(logged === null ? [`no line of the log names ${names.join(' or ')}`] : []),
  ]
}

function mostOf(names: readonly string[]): string[] {
  return [...Map.groupBy(names, name => name)].sort(([, a], [, b]) => b.length - a.length).map(([name]) => name)
}
