import type { Command } from 'commander'
import { createCollectionStore, modelMismatch } from '../adapters/postgres/store/collections.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import type { Calibration, Signals } from '../ask/calibration/terms.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import { AskError } from '../errors.ts'
import { calibrationJson } from '../http/replies/calibration.ts'
import { collectionName } from './arguments.ts'
import { calibrateNow, hasSimilarities, rangeText } from './calibrate-after.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels } from './opened.ts'
import { print } from './output.ts'

export function addTuneCalibration(tune: Command, host: Host): void {
  tune
    .command('calibration')
    .description(
      'measure what similarities mean for the collection and its embedding model, from its documents and questions about other things, and store it',
    )
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .action(async ({ collection }: { collection: string }, command: Command) => {
      const interrupt = interruptible(host, 'stopping; nothing was stored')
      const measured = await measureNow(host, collection, interrupt.signal).finally(interrupt.release)
      print(host, command, { collection, ...calibrationJson(measured) }, described(collection, measured))
    })
}

async function measureNow(host: Host, name: string, signal: AbortSignal): Promise<Calibration> {
  const config = readConfig(host.env)
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    const collection = await createCollectionStore(database).collection(name, signal)
    if (!collection) throw unknownCollection(name)
    return await withModels(config.models, async ({ embedder }) => {
      if (collection.model && collection.model.name !== embedder.model) throw modelMismatch(collection, embedder.model)
      const result = await calibrateNow(name, { host, config, database, embedder, signal }, true)
      if ('calibration' in result) return result.calibration
      throw new AskError('invalid_request', {
        detail:
          result.state === 'claimed'
            ? `Another process is measuring collection "${name}" now; try again in a few minutes.`
            : `Collection "${name}" has no chunks to measure.`,
      })
    })
  })
}

function described(name: string, calibration: Calibration): string {
  const { windows, units, byLanguage, vectorWeights, far, related, questions, languages, version } = calibration
  const weights = Object.entries(vectorWeights).map(([language, weight]) => `${language} ${weight.toFixed(2)}`)
  const own = weights.filter(each => !each.includes('>'))
  const pairs = weights.filter(each => each.includes('>'))
  return [
    `${name}: calibration ${version}, from ${questions} questions made from its documents (${languages.join(', ')})`,
    ...(hasSimilarities(calibration) ? [`  similarity of passages   ${rangeText(windows)}`] : []),
    ...(units ? [`  similarity of sentences  ${rangeText(units)}`] : []),
    ...Object.entries(byLanguage).map(
      ([language, range]) => `  … to questions in ${language}  ${rangeText(range.windows)}`,
    ),
    `  weight of vectors        ${own.join(', ') || 'none: the model reads none of the languages'}`,
    ...(pairs.length > 0 ? [`  … across languages       ${pairs.join(', ')}`] : []),
    ...signalLines(far, related),
  ].join('\n')
}

function signalLines(far: Signals, related: Signals): string[] {
  const names = { window: 'best passage', unit: 'best sentence', coverage: 'words covered', lexical: 'BM25' } as const
  return Object.entries(names).flatMap(([signal, label]) => {
    const [low, high] = [far[signal as keyof Signals], related[signal as keyof Signals]]
    if (!low || !high) return []
    const text = (each: typeof low) => `${each.mean.toFixed(3)} ± ${each.deviation.toFixed(3)}`
    return [`  ${label.padEnd(25)}far ${text(low)}, related ${text(high)}`]
  })
}
