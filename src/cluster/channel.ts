import type { Serializable } from 'node:child_process'
import type { Logger } from 'pino'
import type { WorkerPlace } from '../config/config.ts'
import {
  aloneStatus,
  reportMs,
  type ClusterStatus,
  type Gathered,
  type PrimaryCalls,
  type ReportName,
  type WorkerCalls,
} from './calls.ts'
import { createLink, type Link } from './link.ts'

/** A worker's connection to the primary, and through it to the other workers. */
export interface Channel {
  readonly place: WorkerPlace
  readonly primary: Link<PrimaryCalls>
  /** The latest known state; `killedAgoMs` counts on. */
  status(): ClusterStatus
  /** Answers requests of other workers for what this one has cached. */
  answersWith(find: (key: string) => string | undefined): void
  /** Answers requests of other workers for a report. */
  reportsWith(what: ReportName, read: () => unknown): void
  /** The reports of the other workers. */
  gather(what: ReportName): Promise<Gathered>
  /** Lets the process end when its work has ended; until then the channel keeps it alive. */
  leave(): void
}

export interface ChannelOptions {
  readonly place: WorkerPlace
  readonly log: Logger
  readonly onStop: () => void
}

/** Time for the way through the primary, in addition to the time for the reports. */
const wayMs = 500

export function openChannel({ place, log, onStop }: ChannelOptions): Channel {
  const reports = new Map<ReportName, () => unknown>()
  let answer: (key: string) => string | undefined = () => undefined
  // Until the primary has reported.
  let received = { status: { ...aloneStatus, workers: place.of, ready: 0 }, at: performance.now() }
  const mine: WorkerCalls = {
    stop: onStop,
    status: status => void (received = { status, at: performance.now() }),
    answer: key => answer(key),
    report: what => reports.get(what)?.(),
  }
  const primary = createLink<PrimaryCalls>({
    send,
    mine,
    onFailed: (err, name) => log.error({ err, call: name }, 'a call from another process failed'),
  })
  process.on('message', primary.receive)

  function status(): ClusterStatus {
    const { status: last, at } = received
    const { killedAgoMs } = last
    return { ...last, killedAgoMs: killedAgoMs === null ? null : killedAgoMs + performance.now() - at }
  }

  return {
    place,
    primary,
    status,
    answersWith: find => void (answer = find),
    reportsWith: (what, read) => void reports.set(what, read),
    async gather(what) {
      return (await primary.ask(reportMs + wayMs, 'gather', what)) ?? { replies: [], missing: place.of - 1 }
    },
    leave: () => process.channel?.unref(),
  }
}

/** Without a primary there is nobody to send to: this process ends as well. */
function send(message: Serializable): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}
