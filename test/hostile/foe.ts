import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Owner } from '../support/server-process.ts'
import type { Order, Played, Report, Surroundings } from './terms.ts'

/** The attacker's process, as the run sees it. */
export interface Foe {
  /** All plays that have ended. */
  readonly played: readonly Played[]
  /** Every play, with when it began and ended on the clock of `performance.now()`; `to` is Infinity while it is under way. */
  readonly history: readonly PlayTimes[]
  /** Names of those under way. */
  readonly underWay: readonly string[]
  /** Plays each of these once. */
  each(names: readonly string[]): Promise<void>
  /** Begins to pick from these; resolves at once. */
  begin(names: readonly string[]): void
  /** Resolves when nothing is under way any more. */
  pause(): Promise<void>
}

export interface PlayTimes {
  readonly name: string
  readonly from: number
  to: number
}

/** What it takes to attack is to be taken from the attacker: on two cores it would slow down all the others. */
const niceness = 5

/** Resolves when it is there: it reads all of its attacks first. */
export async function startFoe(t: Owner, surroundings: Surroundings): Promise<Foe> {
  const child = fork(fileURLToPath(new URL('attacker.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  setPriority(child.pid!, niceness)
  const played: Played[] = []
  const underWay: string[] = []
  const history: PlayTimes[] = []
  let idle = Promise.withResolvers<void>()
  const order = (each: Order) => void child.send(each)
  child.on('message', (report: Report) => {
    if (report.kind === 'began') {
      underWay.push(report.name)
      history.push({ name: report.name, from: performance.now(), to: Infinity })
    } else if (report.kind === 'idle') idle.resolve()
    else {
      played.push(report.played)
      underWay.splice(underWay.indexOf(report.played.name), 1)
      const ended = history.find(({ name, to }) => name === report.played.name && to === Infinity)
      if (ended) ended.to = performance.now()
    }
  })
  child.once('exit', code => idle.reject(new Error(`the attacker ended with ${code}`)))
  idle.promise.catch(() => undefined)
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  order({ kind: 'surroundings', surroundings })
  await idle.promise
  const start = (each: Order) => {
    idle = Promise.withResolvers()
    order(each)
  }
  return {
    played,
    history,
    underWay,
    async each(names) {
      start({ kind: 'each', names })
      await idle.promise
    },
    begin: names => start({ kind: 'picks', names }),
    async pause() {
      order({ kind: 'pause' })
      await idle.promise
    },
  }
}
