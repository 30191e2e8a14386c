import type { Claim } from '../cache/world.ts'
import type { Compared } from './compare.ts'
import type { Figure, Outcome } from './terms.ts'

/** All that a run has to say; `--json` writes it as it is. */
export interface Report {
  readonly date: string
  readonly commit: string
  readonly command: string
  readonly node: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGb: number }
  readonly options: { readonly quick: boolean; readonly embedded: boolean; readonly maxLoss: number }
  readonly outcomes: Readonly<Record<string, Outcome>>
  /** Scenarios that could not be measured, and why. */
  readonly failed: Readonly<Record<string, string>>
  /** Null: there was no baseline. */
  readonly compared: readonly Compared[] | null
}

export function claimsOf({ outcomes }: Report): Claim[] {
  return Object.values(outcomes).flatMap(({ claims }) => claims ?? [])
}

export function figuresOf({ outcomes }: Report): Figure[] {
  return Object.values(outcomes).flatMap(({ figures }) => figures ?? [])
}

export function machineOf({ machine: { cpu, cores, memoryGb }, node }: Report): string {
  return `${cores} × ${cpu}, ${memoryGb} GB, Node ${node.slice(1)}`
}
