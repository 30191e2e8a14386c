import type { Cluster, Redis } from 'ioredis'

/**
 * What must happen at once in Redis. A lease is a key that expires; its value is the holder's token, which grows with
 * every lease. The newest token is kept beside it (the fence), so that a holder whose lease ran out while it was busy
 * or frozen cannot write over what a later one made (Kleppmann, "How to do distributed locking", 2016). In the token is
 * a name that the asker gave: asking again, when the reply was late, gets the same lease and not one's own back.
 *
 * KEYS in all: answer, lease, fence.
 */
const claim = `
local answer = redis.call('GET', KEYS[1])
if answer and string.sub(answer, 1, 1) == '1' and (tonumber(string.sub(answer, 2, 14)) or 0) > tonumber(ARGV[3]) then return { 'found', '', answer } end
local holder = redis.call('GET', KEYS[2])
if holder == 'failed' then return { 'failed', '', answer } end
if holder and string.match(holder, ':(.*)$') == ARGV[4] then return { 'yours', holder, answer } end
if holder then return { 'theirs', holder, false } end
local time = redis.call('TIME')
local last = tonumber(string.match(redis.call('GET', KEYS[3]) or '', '^%d+')) or 0
local token = string.format('%.0f', math.max(time[1] * 1000000 + time[2], last + 1)) .. ':' .. ARGV[4]
redis.call('SET', KEYS[2], token, 'PX', ARGV[1])
redis.call('SET', KEYS[3], token, 'PX', ARGV[2])
return { 'yours', token, answer }`

const renew = `
if redis.call('GET', KEYS[2]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return 0`

const keep = `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1`

const release = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[2]) end
redis.call('SET', KEYS[2], 'failed', 'PX', ARGV[2])
return 1`

type Keys = [answer: string, lease: string, fence: string]

export interface Claimed {
  readonly kind: 'found' | 'failed' | 'theirs' | 'yours'
  readonly token: string
  readonly answer: Buffer | null
}

export interface Scripts {
  /** `freshAfter`: an answer counts as found when it is fresh for longer than that, in milliseconds since 1970. `asker`: a name like no other's; who finds the lease taken is told its holder's. */
  claim(...args: [...Keys, leaseMs: number, fenceMs: number, freshAfter: number, asker: string]): Promise<Claimed>
  renew(...args: [...Keys, token: string, leaseMs: number]): Promise<unknown>
  /** Gives 0 when the answer was not kept, because another holds the lease by now, or did. */
  keep(...args: [...Keys, token: string, ms: number, answer: Buffer]): Promise<unknown>
  /** `failedMs` 0: whoever waits takes over; else they go on without waiting, for so long. */
  release(...args: [...Keys, token: string, failedMs: number]): Promise<unknown>
}

/** What `defineCommand` puts on the client, which its types do not know. */
interface Commands {
  askwellClaimBuffer(...args: unknown[]): Promise<[Buffer, Buffer, Buffer | null]>
  askwellRenew(...args: unknown[]): Promise<unknown>
  askwellKeep(...args: unknown[]): Promise<unknown>
  askwellRelease(...args: unknown[]): Promise<unknown>
}

export function defineScripts(client: Redis | Cluster): Scripts {
  for (const [name, lua] of Object.entries({
    askwellClaim: claim,
    askwellRenew: renew,
    askwellKeep: keep,
    askwellRelease: release,
  })) {
    client.defineCommand(name, { numberOfKeys: 3, lua })
  }
  const commands = client as unknown as Commands
  return {
    async claim(...args) {
      const [kind, token, answer] = await commands.askwellClaimBuffer(...args)
      return { kind: kind.toString() as Claimed['kind'], token: token.toString(), answer }
    },
    renew: (...args) => commands.askwellRenew(...args),
    keep: (...args) => commands.askwellKeep(...args),
    release: (...args) => commands.askwellRelease(...args),
  }
}
