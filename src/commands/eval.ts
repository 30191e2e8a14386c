import { Option, type Command } from 'commander'
import { readConfig } from '../config/config.ts'
import { baselineOf } from '../eval/baseline.ts'
import { comparison, updateBaselines, type Comparison } from '../eval/comparison.ts'
import type { Lesson } from '../eval/learn.ts'
import { sample } from '../eval/sample.ts'
import { readSet, type EvalSet, type JudgedQuestion } from '../eval/set.ts'
import { fallLine, lessonText, table } from '../eval/table.ts'
import { wholeNumber } from './arguments.ts'
import { checkLearning, learnInto } from './eval-learn.ts'
import { evaluateAnswers, type AnswersOptions } from './eval-answers.ts'
import { answersText } from './eval-words.ts'
import { evaluate, type Evaluated, type EvaluateOptions } from './eval-sets.ts'
import { writeReport } from './eval-report.ts'
import { exitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { print, say } from './output.ts'
import type { Config } from '../config/terms.ts'

interface Options extends EvaluateOptions, AnswersOptions {
  /** Measure whole answers instead of rankings. */
  readonly answers?: boolean
  /** Folder for reports. */
  readonly report?: string
  readonly baseline?: string
  readonly updateBaseline?: boolean
}

export function addEval(program: Command, host: Host): void {
  program
    .command('eval')
    .description('measure retrieval with judged questions: nDCG, recall, MRR, latency, abstention')
    .argument('<set...>', 'folders with corpus.jsonl, queries.jsonl, queries.<variant>.jsonl and qrels.tsv')
    .addOption(
      new Option('-l, --language <which>', "the questions' language: as given by the set, or detected as in production")
        .choices(['given', 'detect'])
        .default('detect'),
    )
    .option('-r, --run <dir>', 'write TREC runs into this folder')
    .option(
      '-b, --baseline <file>',
      "fail when a figure is more than 0.005 below this file (default: the set's baseline.json, if it exists)",
    )
    .option('-u, --update-baseline', 'write the figures as the new baseline')
    .option('-k, --keep', 'keep the collection (eval-<set>) in DATABASE_URL or DATA_DIR for the next run')
    .option('--learn', 'learn the vector weight per language and store it in DATABASE_URL or DATA_DIR')
    .option('-a, --answers', 'measure whole answers and abstentions instead of rankings')
    .option(
      '-s, --sample <n>',
      'ask at most this many questions of each kind and language per set',
      wholeNumber(1, 100_000),
    )
    .option('--seed <n>', 'which questions the sample takes', wholeNumber(0, 2 ** 31), 1)
    .option(
      '--report <dir>',
      'with --answers: write a report for people and the results of every question into this folder',
    )
    .option(
      '--judge',
      'with --answers: let a model (JUDGE_MODEL, CHAT_MODEL) judge faithfulness, relevance and completeness',
    )
    .option('--url <address>', 'with --answers: ask this running service instead, which has the documents already')
    .option('--collection <name>', 'with --url: its collection; {set} is the name of the set (default: eval-{set})')
    .action(async (folders: string[], options: Options, command: Command) => {
      rejectUnfitOptions(options)
      if (options.answers) {
        await answers(host, folders, options, command)
        return
      }
      const sets = (await Promise.all(folders.map(readSet))).map(set => sampled(set, options))
      rejectDuplicateNames(sets)
      const compare = options.updateBaseline ? null : await comparison(sets, options.baseline)
      const { evaluated, lessons } = await evaluateAndLearn(host, sets, options)
      const now = baselineOf(evaluated.model.model, evaluated.variants)
      const compared = compare?.(now) ?? { falls: [], unfit: [] }
      const report = {
        model: now.model,
        variants: evaluated.variants,
        falls: compared.falls,
        ...(options.learn ? { lessons } : {}),
      }
      print(host, command, report, [table(evaluated.variants), ...lessons.map(lessonText)].join('\n'))
      if (options.updateBaseline) await updateBaselines(sets, options.baseline, now)
      reportComparison(host, compared, options)
    })
}

/** An option without effect would mislead. */
function rejectUnfitOptions({ answers: ofAnswers, url, collection, ...options }: Options): void {
  const wants = (names: readonly (keyof typeof options)[]) => names.filter(name => options[name] !== undefined)
  const [lone] = ofAnswers ? wants(['run', 'baseline', 'updateBaseline', 'learn']) : wants(['report', 'judge'])
  if (lone !== undefined)
    throw new Error(`--${flagOf(lone)} ${ofAnswers ? 'measures rankings: leave out' : 'needs'} --answers`)
  if (url !== undefined && !ofAnswers) throw new Error('--url needs --answers')
  if (collection !== undefined && url === undefined) throw new Error('--collection needs --url')
  if (url !== undefined && options.keep)
    throw new Error('--keep loads the documents here, not into the service of --url')
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

async function answers(host: Host, folders: readonly string[], options: Options, command: Command): Promise<void> {
  const config = readConfig(host.env)
  const { signal, release } = interruptible(host, 'stopping after this question')
  try {
    const report = await evaluateAnswers(folders, { host, config, options, signal })
    if (options.report !== undefined) await writeReport(options.report, report, options)
    const { model, sets, judgement } = report
    print(host, command, { model, sets, ...(judgement === null ? {} : { judgement }) }, answersText(report))
  } finally {
    release()
  }
}

async function evaluateAndLearn(host: Host, sets: readonly EvalSet[], options: Options) {
  const config = readConfig(host.env)
  const { signal, release } = interruptible(host, 'stopping after this question')
  try {
    if (options.learn) await checkLearning(config, signal)
    const evaluated = await evaluate(sets, { host, config, options, signal })
    return { evaluated, lessons: options.learn ? await learnFrom(host, config, evaluated, signal) : [] }
  } finally {
    release()
  }
}

async function learnFrom(
  host: Host,
  config: Config,
  { model, evidence }: Evaluated,
  signal: AbortSignal,
): Promise<Lesson[]> {
  if (evidence.length > 0) return await learnInto(config, model, evidence, signal)
  say(host, `askwell: nothing to learn: no question is in a language that ${model.model} reads`)
  return []
}

function sampled(set: EvalSet, { sample: size, seed }: Options): EvalSet {
  if (size === undefined) return set
  const stratumOf = ({ isAnswerable, language }: JudgedQuestion) => JSON.stringify([isAnswerable, language])
  const variants = set.variants.map(each => ({ ...each, questions: sample(each.questions, stratumOf, { size, seed }) }))
  return { ...set, variants }
}

function rejectDuplicateNames(sets: readonly EvalSet[]): void {
  const duplicate = sets.find((set, i) => sets.findIndex(other => other.name === set.name) < i)
  if (duplicate) throw new Error(`two sets are named "${duplicate.name}"; rename one of the folders`)
}

/**
 * An unusable baseline is a failure only if it was requested; a set's own baseline for another model is just reported.
 */
function reportComparison(host: Host, { falls, unfit }: Comparison, { baseline }: Options): void {
  for (const line of [...unfit, ...falls.map(fallLine)]) say(host, `askwell: ${line}`)
  if (falls.length > 0 || (unfit.length > 0 && baseline !== undefined)) host.exitCode = exitCodes.failed
}
