import type { Cluster, Redis } from 'ioredis'

/**
 * Operations that must be atomic in Redis.
 *
 * A fill lease is a key that expires. Its value is the holder's token, which increases with every lease. The newest
 * token is stored separately (the fence), so that a holder whose lease expired while it was busy or frozen cannot
 * overwrite the answer of a later one (Kleppmann, "How to do distributed locking", 2016). The token contains a name
 * chosen by the caller: a retry after a late reply then gets the same lease instead of finding its own lease taken.
 *
 * KEYS in all scripts: answer, lease, fence.
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
  /**
   * Takes the lease, or reports its holder's token if it is taken. `freshAfter`: an answer counts as found if it stays
   * fresh after this time, in milliseconds since 1970. `asker` is a unique name.
   */
  claim(...args: [...Keys, leaseMs: number, fenceMs: number, freshAfter: number, asker: string]): Promise<Claimed>
  renew(...args: [...Keys, token: string, leaseMs: number]): Promise<unknown>
  /** Stores the answer. Resolves to 0 if it was not stored because another process has, or had, the lease since. */
  keep(...args: [...Keys, token: string, ms: number, answer: Buffer]): Promise<unknown>
  /**
   * Releases the lease. With `failedMs` 0 a waiting process takes it over; otherwise processes continue without waiting
   * for that long.
   */
  release(...args: [...Keys, token: string, failedMs: number]): Promise<unknown>
}

/** Methods that `defineCommand` adds to the client; its types do not know them. */
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
