/** The other processes of this service, as far as monitoring needs them. */
export interface OtherWorkers {
  /** Registers what this process reports when another one asks. */
  reportsWith(what: 'pool-status' | 'performance', read: () => unknown): void
  /** Undefined when there are no others. `missing` counts those that did not reply in time. */
  readonly gather?: (what: 'pool-status' | 'performance') => Promise<Reports>
}

interface Reports {
  readonly replies: readonly unknown[]
  readonly missing: number
}

interface MergeOptions<Report> {
  readonly own: Report
  readonly merge: (all: readonly Report[]) => Report
}

/** How many processes a reply covers. Absent when there is only one. */
interface Coverage {
  readonly workers?: { readonly reporting: number; readonly missing: number }
}

/** Merges the report of this process with those of the others. All run the same version, so reports have one form. */
export async function withOthers<Report extends object>(
  { gather }: OtherWorkers,
  what: 'pool-status' | 'performance',
  { own, merge }: MergeOptions<Report>,
): Promise<Report & Coverage> {
  if (!gather) return own
  const { replies, missing } = await gather(what)
  const all = [own, ...(replies as Report[])]
  return { ...merge(all), workers: { reporting: all.length, missing } }
}
