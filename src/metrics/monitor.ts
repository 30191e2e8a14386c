import type { Connections } from '../monitoring/findings/connections.ts'
import { poolVerdicts, serviceVerdicts } from '../monitoring/findings/findings.ts'
import type { Seen } from '../monitoring/findings/monitor.ts'
import type { Kit } from './kit.ts'

const unparsedCodes = ['invalid_http', 'request_timeout', 'headers_too_large'] as const

/** What stands in GET /monitoring/pool-status, for alerts. */
export function monitorMetrics(kit: Kit) {
  const unparsed = kit.counter('unparsed_total', 'Connections ended because no whole request came, by why.', {
    code: unparsedCodes,
  })

  function watchMonitor(look: () => Seen, connections: Connections['facts']): void {
    kit.gauges('verdict', '1 for the verdict that is so now.', ['of', 'verdict'], set => {
      const { pool, service } = look()
      for (const each of poolVerdicts) set(Number(each === pool), 'pool', each)
      for (const each of serviceVerdicts) set(Number(each === service), 'service', each)
    })
    kit.gauges('finding', '1 for what is wrong now, by whose doing.', ['culprit', 'code', 'severity'], set => {
      for (const { culprit, code, severity } of look().findings) set(1, culprit, code, severity)
    })
    kit.gauges(
      'client_connections',
      'Connections of clients; silent: without a byte; trickling: long in the middle of a request.',
      ['state'],
      set => {
        const { open, silent, trickling } = connections()
        for (const [state, count] of Object.entries({ open, silent, trickling })) set(count, state)
      },
    )
  }

  return { unparsed: (code: string) => unparsed(code).add(), watchMonitor }
}
