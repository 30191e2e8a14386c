import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { adminKey } from '../support/admin-key.ts'
import {
  guestKey,
  hostileAddress,
  type Attack,
  type Hand,
  type Heard,
  type Played,
  type SendOptions,
  type Surroundings,
} from './terms.ts'

/** The default rate limit is 100 in 10 s; what a window may hold in all is `burst + 10 * perSecond`. */
const perSecond = 9
const burst = 8

const silenceMs = 3000
/** Of a reply so much is read; the rest flows by. */
const keptCharacters = 100_000

export interface Pace {
  take(signal: AbortSignal): Promise<void>
}

interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<unknown>
}

const real: Clock = { now: () => performance.now(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) }

/** One client's share of requests, for all lanes together. */
export function createPace(clock: Clock = real): Pace {
  let free = burst
  let at = clock.now()
  return {
    async take(signal) {
      const now = clock.now()
      free = Math.min(burst, free + ((now - at) / 1000) * perSecond) - 1
      at = now
      if (free < 0) await clock.sleep((-free / perSecond) * 1000, signal)
    },
  }
}

/** mulberry32: small, seeded, good enough to pick. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Parts {
  readonly surroundings: Surroundings
  readonly pace: Pace
  readonly random: () => number
  readonly signal: AbortSignal
}

/** Plays the attack once. What it throws is a fault of its own, unless it had to stop. */
export async function play(attack: Attack, parts: Parts): Promise<Played> {
  const record = { replies: {} as Record<string, number>, routes: new Set<string>(), faults: [] as string[] }
  const at = performance.now()
  try {
    await attack.play(handOf(attack, parts, record))
  } catch (error) {
    if (!parts.signal.aborted)
      record.faults.push(`the attack itself: ${String((error as Error).stack ?? error).slice(0, 500)}`)
  }
  return {
    name: attack.name,
    ms: performance.now() - at,
    replies: record.replies,
    routes: [...record.routes],
    faults: record.faults,
  }
}

interface Record_ {
  readonly replies: Record<string, number>
  readonly routes: Set<string>
  readonly faults: string[]
}

function handOf(attack: Attack, { surroundings, pace, random, signal }: Parts, record: Record_): Hand {
  const nat = (count: number) => Math.floor(random() * count)
  const enter = async (route: string) => {
    record.routes.add(routeIn(attack, route))
    await pace.take(signal)
  }
  const leave = (heard: Heard, route: string): Heard => {
    const outcome = heard.status === 0 ? heard.body : String(heard.status)
    record.replies[outcome] = (record.replies[outcome] ?? 0) + 1
    // Whatever comes in, "internal" is a fault of ours.
    if (heard.status === 500) record.faults.push(`${route}: 500 ${heard.body.slice(0, 300)}`)
    return heard
  }
  return {
    surroundings,
    random,
    nat,
    pick: list => list[nat(list.length)]!,
    signal,
    async send(method, path, options = {}) {
      await enter(`${method} ${path}`)
      return leave(await sent(surroundings, method, path, options), `${method} ${path.slice(0, 80)}`)
    },
    async connect(route) {
      await enter(route)
      return open(surroundings.url)
    },
    async raw(route, bytes) {
      await enter(route)
      return leave(await said(open(surroundings.url), bytes), route)
    },
    found: fault => void record.faults.push(fault),
  }
}

/** The operation's name in openapi.yaml. */
function routeIn({ name, routes }: Attack, asked: string): string {
  if (routes === 'any') return 'any'
  const [address] = asked.split('?')
  const route = routes.find(each => new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]*')}$`).test(address ?? ''))
  if (route === undefined) throw new Error(`"${name}" sends to ${asked}, which is not among its routes`)
  return route
}

const needsAdmin = /^\/(documents|collections|cache)/

function keyFor(path: string): string {
  return needsAdmin.test(path) ? adminKey : guestKey
}

/** Never rejects: a connection that breaks is a reply too. */
async function sent(
  { url, patienceMs }: Surroundings,
  method: string,
  path: string,
  { body, headers = {}, key = keyFor(path) }: SendOptions,
): Promise<Heard> {
  const bytes =
    body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const all = {
    ...(bytes === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }),
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...throughProxy(headers),
  } as Record<string, string>
  return await new Promise(resolve => {
    const { hostname, port } = new URL(url)
    const outgoing = request(
      { hostname, port, method, path, headers: all, localAddress: hostileAddress, agent: false },
      reply => {
        let text = ''
        reply
          .setEncoding('utf8')
          .on('data', (piece: string) => (text = text.length < keptCharacters ? text + piece : text))
        reply
          .once('end', () =>
            settle({ status: reply.statusCode ?? 0, body: text, left: leftOf(reply.headers['ratelimit']) }),
          )
          .once('error', broken)
      },
    )
    const hung = setTimeout(() => outgoing.destroy(new Error('no reply')), patienceMs)
    const settle = (heard: Heard) => {
      clearTimeout(hung)
      resolve(heard)
    }
    const broken = (error: NodeJS.ErrnoException) => settle(without(error.code ?? error.message))
    outgoing.once('error', broken).once('close', () => settle(without('closed')))
    outgoing.end(bytes)
  })
}

function without(why: string): Heard {
  return { status: 0, body: why, left: null }
}

/** As `"default";r=99;t=10` has it. */
function leftOf(field: string | string[] | undefined): number | null {
  const [, left] = /;r=(\d+)/.exec(String(field)) ?? []
  return left === undefined ? null : Number(left)
}

/** A proxy stands in front, as far as the service knows: it adds the client's address to what the client says of itself. */
function throughProxy(headers: NonNullable<SendOptions['headers']>): NonNullable<SendOptions['headers']> {
  const forged = headers['x-forwarded-for']
  return forged === undefined ? headers : { ...headers, 'x-forwarded-for': `${String(forged)}, ${hostileAddress}` }
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  // The service may well close it first.
  return connect({ host: hostname, port: Number(port), localAddress: hostileAddress }).on('error', () => undefined)
}

async function said(socket: Socket, bytes: string): Promise<Heard> {
  let text = ''
  socket
    .setEncoding('latin1')
    .on('data', (piece: string) => (text = text.length < keptCharacters ? text + piece : text))
  // What waits for the rest of half a request would wait for as long as a request may take.
  socket.setTimeout(silenceMs, () => socket.destroy())
  socket.write(bytes, 'latin1')
  if (!socket.closed) await once(socket, 'close').catch(() => undefined)
  return { status: Number(/^HTTP\/1.1 (\d{3})/.exec(text)?.[1] ?? 0), body: text === '' ? 'closed' : text, left: null }
}
