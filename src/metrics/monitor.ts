import type { Subscriber } from '../events.ts'
import type { Connections } from '../monitoring/findings/connections.ts'
import { poolVerdicts, serviceVerdicts } from '../monitoring/findings/findings.ts'
import type { Seen } from '../monitoring/findings/monitor.ts'
import type { Kit } from './kit.ts'

const unparsedCodes = ['invalid_http', 'request_timeout', 'headers_too_large'] as const

/** The content of GET /monitoring/pool-status as metrics, for alerts. */
export function monitorMetrics(kit: Kit) {
  const unparsed = kit.counter('unparsed_total', 'Connections closed because no complete request arrived, by reason.', {
    code: unparsedCodes,
  })

  function watchMonitor(look: () => Seen, connections: Connections['facts']): void {
    kit.gauges('verdict', '1 for the current verdict.', ['of', 'verdict'], set => {
      const { pool, service } = look()
      for (const each of poolVerdicts) set(Number(each === pool), 'pool', each)
      for (const each of serviceVerdicts) set(Number(each === service), 'service', each)
    })
    kit.gauges('finding', '1 for each current finding, by culprit.', ['culprit', 'code', 'severity'], set => {
      for (const { culprit, code, severity } of look().findings) set(1, culprit, code, severity)
    })
    kit.gauges(
      'client_connections',
      'Client connections. open: all; silent: no byte sent for 2 s or more; trickling: sending one request for 2 s or more.',
      ['state'],
      set => {
        const { open, silent, trickling } = connections()
        for (const [state, count] of Object.entries({ open, silent, trickling })) set(count, state)
      },
    )
  }

  const subscriber: Subscriber = { requestUnparsed: code => unparsed(code).add() }
  return { subscriber, watchMonitor }
}
