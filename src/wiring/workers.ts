import { aloneStatus, type ClusterStatus, type Gathered, type ReportName } from '../cluster/calls.ts'
import type { Channel } from '../cluster/channel.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { WindowCount } from '../resilience/window-counter.ts'

/** The processes of this service, seen from one of them. */
export interface Workers {
  status(): ClusterStatus
  /** Adds requests of a client to a count that all workers share. Undefined in a process without other workers. */
  readonly count?: (client: string, windowMs: number, requests: number) => Promise<WindowCount | undefined>
  /** Registers what this process reports when another worker asks. */
  reportsWith(what: ReportName, read: () => unknown): void
  /** The reports of the other workers. Undefined in a process without other workers. */
  readonly gather?: (what: ReportName) => Promise<Gathered>
}

/** On expiry each process counts alone. */
const countMs = 100

/** One process: there is nobody to ask, and nobody asks. */
export const alone: Workers = { status: () => aloneStatus, reportsWith() {} }

export function openWorkers(channel: Channel | undefined, metrics: Metrics): Workers {
  if (!channel) return alone
  channel.reportsWith('metrics', metrics.states)
  metrics.joinWorkers({ status: channel.status, gather: () => channel.gather('metrics') })
  return {
    status: channel.status,
    count: (client, windowMs, requests) => channel.primary.ask(countMs, 'count', client, windowMs, requests),
    reportsWith: channel.reportsWith,
    gather: channel.gather,
  }
}
