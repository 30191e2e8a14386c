import type { Settings } from '../cache/servers.ts'
import type { Claim, Table } from '../cache/world.ts'
import type { Keeper } from '../cache/keeper.ts'

/** What is held against the baseline: what was measured by a control that was measured just before and after, turn by turn. */
export interface Figure {
  /** Starts with its scenario: `hot: requests a second, of bare Fastify`. */
  readonly name: string
  readonly better: 'more' | 'less'
  readonly turns: readonly number[]
  /** The control's own figures over the run, which say how noisy the machine was. */
  readonly controls: readonly number[]
}

/** Of a latency distribution: percentile and milliseconds. */
export interface Curve {
  readonly title: string
  readonly name: string
  readonly points: readonly (readonly [percentile: number, ms: number])[]
}

/** Throughput over concurrency. */
export interface Sweep {
  readonly title: string
  readonly name: string
  readonly points: readonly { readonly connections: number; readonly perSecond: number }[]
}

/** What each stage of a request takes, in milliseconds. */
export interface Breakdown {
  readonly name: string
  readonly stages: Readonly<Record<string, number>>
}

export interface Outcome {
  readonly tables: readonly Table[]
  readonly claims?: readonly Claim[]
  readonly figures?: readonly Figure[]
  readonly curves?: readonly Curve[]
  readonly sweeps?: readonly Sweep[]
  readonly breakdowns?: readonly Breakdown[]
}

/** What every scenario is given. */
export interface World {
  readonly isQuick: boolean
  /** Seconds of one measurement, and how often everything is measured. */
  readonly seconds: number
  readonly turns: number
  /** Null: the embedded database. */
  readonly databaseUrl: string | null
  /** How many notices the collection {@link permits} holds. */
  readonly documents: number
  /** Of the soak, in seconds. */
  readonly soakSeconds: number
  /** Names of the corpus sizes to measure. */
  readonly sizes: readonly string[]
  /** Points a service at the loaded database (an embedded one at a copy of its own) and at a model without latency; no rate limit refuses. */
  settings(t: Keeper): Settings
  /** So many questions that nobody asked before. */
  fresh(count: number): { readonly question: string; readonly collection: string }[]
}

export interface Scenario {
  readonly about: string
  /** Seconds it takes, quick and full; undefined: not part of it unless named. */
  readonly quickSeconds?: number
  readonly fullSeconds?: number
  /** What it needs that `--embedded` has not. */
  readonly needs?: 'postgres'
  run(world: World, t: Keeper): Promise<Outcome>
}
