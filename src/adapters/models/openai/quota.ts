const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Time until the provider accepts another call, in milliseconds, from the headers of a reply (`x-ratelimit-…-requests`,
 * as OpenAI and those compatible with it send them); 0 when it accepts one now or does not say. The quota refills
 * steadily, so one more call is accepted after the time of one call's share, long before all of it is back.
 */
export function quotaPauseMs(headers: Headers): number {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map(
    name => headers.get(`x-ratelimit-${name}-requests`) ?? '',
  ) as [string, string, string]
  if (remaining.trim() !== '0') return 0
  const resetMs = durationMs(reset)
  return resetMs === null ? 0 : resetMs / Math.max(1, Number(limit) || 1)
}

/** Durations such as `1s`, `6m0s`, `120ms`, `1h30m12.5s`, or a number of seconds. Null for anything else. */
function durationMs(text: string): number | null {
  const trimmed = text.trim()
  if (/^\d{1,9}(\.\d{1,9})?$/.test(trimmed)) return Number(trimmed) * 1000
  if (!/^(\d{1,9}(\.\d{1,9})?(ms|[smhd]))+$/.test(trimmed)) return null
  let ms = 0
  for (const [, amount = '', unit = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    ms += Number(amount) * (units[unit] ?? 0)
  return ms
}
