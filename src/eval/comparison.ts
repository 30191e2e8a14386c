import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fallsFrom, readBaseline, writeBaseline, type Baseline, type Fall } from './baseline.ts'
import type { EvalSet } from './set.ts'

export interface Comparison {
  readonly falls: readonly Fall[]
  /** Why a baseline cannot be compared with these figures, one line per baseline. */
  readonly unfit: readonly string[]
}

/**
 * Compares figures with `file`, or with the `baseline.json` of each set that has one.
 * Baselines are read before anything is measured, so that a broken one is reported immediately and not after minutes.
 */
export async function comparison(
  sets: readonly EvalSet[],
  file: string | undefined,
): Promise<(now: Baseline) => Comparison> {
  const paths = file === undefined ? sets.map(ownFile).filter(path => existsSync(path)) : [file]
  const before = await Promise.all(paths.map(async path => ({ path, baseline: await readBaseline(path) })))
  return now => {
    const [fit, unfit] = [
      before.filter(each => each.baseline.model === now.model),
      before.filter(each => each.baseline.model !== now.model),
    ]
    return {
      falls: fit.flatMap(each => fallsFrom(each.baseline, now)),
      unfit: unfit.map(
        ({ path, baseline }) =>
          `${path} was measured with the embedding model ${baseline.model}, not ${now.model}: not compared`,
      ),
    }
  }
}

/** Writes the figures into `file`, or those of each set into the set's own file. */
export async function updateBaselines(
  sets: readonly EvalSet[],
  file: string | undefined,
  now: Baseline,
): Promise<void> {
  for (const set of sets) await writeBaseline(file ?? ownFile(set), ofSet(now, set.name))
}

function ownFile({ folder }: EvalSet): string {
  return join(folder, 'baseline.json')
}

function ofSet({ model, variants }: Baseline, name: string): Baseline {
  return {
    model,
    variants: Object.fromEntries(Object.entries(variants).filter(([variant]) => variant.split('/')[0] === name)),
  }
}
