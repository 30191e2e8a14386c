import { parseArgs } from 'node:util'

export const help = `usage: npm run bench -- [options]

Measures what an answer takes, beside controls that are measured in the same run. Without options everything, in half
an hour.

  --quick               less of everything, in less than 2 minutes; what CI runs
  --embedded            the embedded database and no Redis, instead of real Postgres and Redis
  --only A,B            only these scenarios
  --sizes 10k,100k,1M   corpus sizes of the scenario \`sizes\` (default 10k,100k; 1M takes half an hour to load)
  --soak SECONDS        run the scenario \`soak\` alone for so long, or with --only memory that one
  --json FILE           write every figure
  --html FILE           write a report with plots, one file
  --summary FILE        write what a pull request should say, as Markdown
  --baseline FILE       compare with these ratios; exit code 1 beyond the loss that is allowed
  --max-loss PERCENT    default 15
  --write-baseline      write the ratios of this run into the baseline (default bench/baseline.json)
  --help

A loss counts when it is larger than --max-loss and larger than the noise: half of what lies between the least and the
most of the turns, before or now, or half of what the control swung, if that was more than 60 %. What is worse but not
by more than the noise is told as "too noisy to tell" and does not fail. A figure of the baseline that is not measured
any more fails.

Exit codes: 0 as good as before, or too noisy to tell; 1 worse, or an error; 2 an option that is not known.
`

export interface Options {
  readonly quick: boolean
  readonly embedded: boolean
  /** Null: those that belong to the run. */
  readonly only: readonly string[] | null
  readonly sizes: readonly string[]
  readonly soakSeconds: number
  readonly json: string | undefined
  readonly html: string | undefined
  readonly summary: string | undefined
  readonly baseline: string | undefined
  /** A share. */
  readonly maxLoss: number
  readonly writeBaseline: boolean
  readonly help: boolean
}

export const defaultBaseline = 'bench/baseline.json'

/** Throws with words for people. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: flag,
      embedded: flag,
      'write-baseline': flag,
      help: { ...flag, short: 'h' },
      only: text,
      sizes: text,
      soak: text,
      json: text,
      html: text,
      summary: text,
      baseline: text,
      'max-loss': { ...text, default: '15' },
    },
  })
  const { only, sizes = '10k,100k', soak, 'max-loss': maxLoss } = values
  if (!(Number(maxLoss) >= 0 && Number(maxLoss) < 100))
    throw new Error(`--max-loss is a percentage from 0 to 100, not ${maxLoss}`)
  if (soak !== undefined && !(Number(soak) >= 10)) throw new Error(`--soak is 10 seconds or more, not ${soak}`)
  return {
    quick: values.quick,
    embedded: values.embedded,
    help: values.help,
    json: values.json,
    html: values.html,
    summary: values.summary,
    only: only?.split(',').filter(Boolean) ?? (soak === undefined ? null : ['soak']),
    sizes: sizes.toLowerCase().split(','),
    soakSeconds: Number(soak ?? 600),
    baseline: values.baseline ?? (values['write-baseline'] ? defaultBaseline : undefined),
    maxLoss: Number(maxLoss) / 100,
    writeBaseline: values['write-baseline'],
  }
}
