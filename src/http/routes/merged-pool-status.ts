import { mergedFindings, mergedVerdict } from '../../monitoring/merged/findings.ts'
import { mergedSpread, sumOf, sumOfCounts, worstOf, worstRedis } from '../../monitoring/merged/values.ts'
import { poolVerdicts } from '../../monitoring/findings/findings.ts'
import type { PoolStatusBody } from './pool-status-body.ts'

type Pool = PoolStatusBody['pool']

/** The pools of several processes as one. What the server reports is the same for all. */
export function mergedPoolStatus(all: readonly PoolStatusBody[]): PoolStatusBody {
  const [own] = all as [PoolStatusBody, ...PoolStatusBody[]]
  return {
    ...own,
    verdict: worstOf(
      poolVerdicts,
      all.map(({ verdict }) => verdict),
    ),
    reasons: mergedFindings(all.map(({ reasons }) => reasons)),
    database: all.some(({ database }) => database === 'down') ? 'down' : 'up',
    writes: all.find(({ writes }) => writes !== 'ok')?.writes ?? 'ok',
    pool: mergedPool(all.map(({ pool }) => pool)),
    server: all.find(({ server }) => server !== null)?.server ?? null,
    redis: worstRedis(all.map(({ redis }) => redis)),
    service: mergedVerdict(all.map(({ service }) => service)),
  }
}

function mergedPool(all: readonly Pool[]): Pool {
  const sum = (pick: (pool: Pool) => number) => sumOf(all, pick)
  return {
    size: sum(({ size }) => size),
    max_overflow: sum(pool => pool.max_overflow),
    open: sum(({ open }) => open),
    checked_in: sum(pool => pool.checked_in),
    checked_out: sum(pool => pool.checked_out),
    overflow: sum(({ overflow }) => overflow),
    waiting: sum(({ waiting }) => waiting),
    max_waiting: sum(pool => pool.max_waiting),
    longest_wait_ms: Math.max(...all.map(pool => pool.longest_wait_ms)),
    longest_hold_ms: Math.max(...all.map(pool => pool.longest_hold_ms)),
    holders: sumOfCounts(all.map(({ holders }) => holders)),
    totals: sumOfCounts(all.map(({ totals }) => totals)) as Pool['totals'],
    wait_ms: mergedSpread(all.map(pool => pool.wait_ms)),
    hold_ms: mergedSpread(all.map(pool => pool.hold_ms)),
  }
}
