import type { Stage } from '../ask/abstention/model.ts'
import type { SignalName } from '../ask/abstention/signals.ts'
import {
  areaUnderCurve,
  bootstrapped,
  calibrationError,
  shareBelow,
  thresholdLosing,
  type Scored,
} from './abstention-figures.ts'
import { answerableShare, signalsAt, type Fitted, type Judged } from './fit-abstention.ts'
import { randomFrom } from './random.ts'

/** Single signals that the models are compared with, each with the best threshold in hindsight. */
const singles: readonly SignalName[] = ['coverage', 'window', 'unit', 'rerank']
/** Shares of answerable questions lost, for the curve. */
const curve = [0.01, 0.02, 0.05, 0.1, 0.2] as const

/** What the models are worth, as Markdown: every figure is of questions from sets that the model was not fitted to. */
export function abstentionReport({ learned, judged }: Fitted): string {
  const used = judged.filter(each => each.sources === mostSourcesOf(each, judged))
  return [
    '## Models',
    modelTable(learned.models),
    '## At the default threshold, and at 5 % lost',
    setTable(used, learned.models),
    '## Refused, by what is lost: the model against the best single signal',
    curveTable(used),
    '## Expected calibration error',
    calibrationTable(used),
    '',
  ].join('\n\n')
}

/** The service uses the model with the most sources that it has; that of the question's setup. */
function mostSourcesOf({ observed, stage }: Judged, judged: readonly Judged[]): string {
  let most = mostSources.get(judged)
  if (!most) {
    most = new Map()
    for (const each of judged) {
      const key = keyOf(each)
      const before = most.get(key)
      if (before === undefined || each.sources.split('+').length > before.split('+').length) most.set(key, each.sources)
    }
    mostSources.set(judged, most)
  }
  return most.get(keyOf({ observed, stage }))!
}

const mostSources = new WeakMap<readonly Judged[], Map<string, string>>()

function keyOf({ observed: { setup, set, id }, stage }: Pick<Judged, 'observed' | 'stage'>): string {
  return `${setup} ${set} ${id} ${stage}`
}

function modelTable(models: Fitted['learned']['models']): string {
  return table(
    [
      'stage',
      'sources',
      'questions',
      'AUC',
      'calibration error',
      'hopeless below',
      'doubtful below',
      'refused at 5 % lost',
    ],
    models.map(({ stage, sources, thresholds, figures }) => [
      stage,
      sources.join(' + '),
      `${figures.questions}`,
      figures.auc.toFixed(2),
      figures.calibrationError.toFixed(2),
      thresholds.hopeless.toFixed(2),
      thresholds.doubtful.toFixed(2),
      Object.entries(figures.refused)
        .map(([kind, share]) => `${kind} ${percent(share)}`)
        .join(', '),
    ]),
  )
}

function setTable(used: readonly Judged[], models: Fitted['learned']['models']): string {
  const rows = Array.from(groupsOf(used), ([name, group]) => {
    const isRefused = ({ stage, sources, score }: Judged) =>
      score < models.find(each => each.stage === stage && each.sources.join('+') === sources)!.thresholds.doubtful
    const refused = (all: readonly Judged[]) => percent(all.filter(isRefused).length / all.length)
    const threshold = thresholdLosing(0.05, scoresOf(asIs(group)))
    return [
      name,
      byKind(group, true, refused),
      byKind(group, false, refused),
      byKind(group, false, each => percent(shareBelow(threshold, scoresOf(each)))),
    ]
  })
  return table(['setup, set, stage', 'lost', 'refused', 'refused at 5 % lost'], rows)
}

/** Answerable questions as people asked them. */
function asIs(group: readonly Judged[]): Judged[] {
  return group.filter(({ observed: { kind } }) => kind === 'answerable')
}

function curveTable(used: readonly Judged[]): string {
  const rows = Array.from(groupsOf(used), ([name, group]) =>
    [null, ...singles].flatMap(single => {
      const scored = single === null ? group : scoredBy(single, group)
      if (scored.length < group.length) return []
      return Map.groupBy(
        scored.filter(each => !each.isAnswerable),
        ({ observed: { kind } }) => kind,
      )
        .entries()
        .map(([kind, refusable]) => {
          const answerable = asIs(scored)
          const area = areaUnderCurve([...answerable, ...refusable])
          const refused = curve.map(share =>
            percent(shareBelow(thresholdLosing(share, scoresOf(answerable)), scoresOf(refusable))),
          )
          return [name, kind, single ?? '**model**', (area ?? 0.5).toFixed(3), ...refused]
        })
        .toArray()
    }),
  ).flat()
  return table(['setup, set, stage', 'kind', 'signal', 'AUC', ...curve.map(share => `${percent(share)} lost`)], rows)
}

function scoredBy(single: SignalName, group: readonly Judged[]): Judged[] {
  return group.flatMap(each => {
    const score = signalsAt(each.observed, each.stage)[single]
    return score === undefined ? [] : [{ ...each, score }]
  })
}

function calibrationTable(used: readonly Judged[]): string {
  const groups = Map.groupBy(used, ({ observed: { setup, language }, stage }) => `${setup}, ${language}, ${stage}`)
  const next = randomFrom(1)
  const error = (each: readonly Scored[]) => calibrationError(each, answerableShare)
  const rows = Array.from(groups, ([name, group]) => {
    const { value, low, high } = bootstrapped(group, error, count => Math.floor(next() * count))
    return [name, `${group.length}`, value.toFixed(3), `${low.toFixed(3)}–${high.toFixed(3)}`]
  })
  return table(['setup, language, stage', 'questions', 'error', '95 %'], rows)
}

function groupsOf(used: readonly Judged[]): Map<string, Judged[]> {
  const stageName = (stage: Stage) => (stage === 'answer' ? 'quotations' : 'passages')
  return Map.groupBy(used, ({ observed: { setup, set }, stage }) => `${setup}, ${set}, ${stageName(stage)}`)
}

function byKind(group: readonly Judged[], isAnswerable: boolean, figure: (group: readonly Judged[]) => string): string {
  const kinds = Map.groupBy(
    group.filter(each => each.isAnswerable === isAnswerable),
    ({ observed: { kind } }) => kind,
  )
  return Array.from(kinds, ([kind, each]) => `${kind} ${figure(each)}`).join(', ')
}

function scoresOf(scored: readonly Scored[]): number[] {
  return scored.map(({ score }) => score)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
