import type { Cluster, Redis } from 'ioredis'
import { randomBytes } from 'node:crypto'
import type { SharedSpending } from '../../ask/generation/budgets.ts'
import type { Spending } from '../../ask/terms/usage.ts'
import type { RedisServer } from './redis.ts'

/** Kept for the replicas whose clock is behind, and to look at. */
const keptSeconds = 2 * 86_400

/**
 * One hash per budget and day, with a field per process: `PROMPT COMPLETION OTHER`, two numbers of tokens and a cost. A process only sets its own
 * field, to what it has used in all. A command may therefore be repeated, and one that comes late changes nothing for
 * good.
 *
 * KEYS: the budgets. ARGV: the field of this process, seconds to keep, its value for each key.
 */
const exchange = `
local reply = {}
for i = 1, #KEYS do
  if ARGV[i + 2] ~= '0 0 0' or redis.call('HEXISTS', KEYS[i], ARGV[1]) == 1 then
    redis.call('HSET', KEYS[i], ARGV[1], ARGV[i + 2])
    redis.call('EXPIRE', KEYS[i], ARGV[2])
  end
  local prompt, completion, other = 0, 0, 0
  for _, value in ipairs(redis.call('HVALS', KEYS[i])) do
    local p, c, o = string.match(value, '^(%d+) (%d+) (%d+)$')
    prompt, completion, other = prompt + (p or 0), completion + (c or 0), other + (o or 0)
  end
  reply[i] = string.format('%.0f %.0f %.0f', prompt, completion, other)
end
return reply`

interface Commands {
  askwellSpend(keyCount: number, ...args: unknown[]): Promise<unknown>
}

export function createSharedSpending(redis: RedisServer): SharedSpending {
  const own = randomBytes(9).toString('base64url')
  redis.client.defineCommand('askwellSpend', { lua: exchange })

  return {
    async exchange(day, spent) {
      // Not an attempt that fails: nobody notices, and this process knows enough to go on.
      if (!redis.isUsable()) return undefined
      const ids = [...spent.keys()]
      // The part in braces chooses the node of a Cluster: one for all budgets of a day.
      const keys = ids.map(id => `${redis.keyPrefix}budget:{${day}}:${id}`)
      const values = [...spent.values()].map(
        ({ promptTokens, completionTokens, otherCost }) => `${promptTokens} ${completionTokens} ${otherCost}`,
      )
      const reply = await redis.attempt(
        'spend',
        client => commandsOf(client).askwellSpend(keys.length, ...keys, own, keptSeconds, ...values),
        () => keys.forEach(key => void redis.attempt('remove', client => client.unlink(key))),
      )
      return totalsOf(ids, reply)
    },
  }
}

/** `defineCommand` adds a method that the types do not know. */
function commandsOf(client: Redis | Cluster): Commands {
  return client as unknown as Commands
}

/** Undefined for anything but a reply of the script, as of a faulty proxy. */
function totalsOf(ids: readonly string[], reply: unknown): ReadonlyMap<string, Spending> | undefined {
  if (!Array.isArray(reply) || reply.length !== ids.length) return undefined
  const totals = new Map<string, Spending>()
  for (const [at, id] of ids.entries()) {
    const [, prompt, completion, other] = /^(\d+) (\d+) (\d+)$/.exec(String(reply[at])) ?? []
    if (prompt === undefined) return undefined
    totals.set(id, { promptTokens: Number(prompt), completionTokens: Number(completion), otherCost: Number(other) })
  }
  return totals
}
