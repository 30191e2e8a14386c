import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { SingleBar } from 'cli-progress'
import type { Manifest } from '../adapters/models/onnx/manifest.ts'
import { isAddress, pull, pulledModels, removePulled, type PullSource } from '../adapters/models/pull/pull.ts'
import { PullError } from '../adapters/models/pull/pull-error.ts'
import { inCatalogue, modelCatalogue, type CatalogueModel } from '../config/model-catalogue.ts'
import { modelsFolder } from '../config/pulled-models.ts'
import { readConfig } from '../config/config.ts'
import { exitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { print, say } from './output.ts'

interface PullFlags {
  readonly from?: string
  readonly kind?: string
}

export function addModels(program: Command, host: Host): void {
  const models = program.command('models').description('models that run in this process: list, pull, remove')
  models
    .command('list')
    .description('models that can be pulled, and those that were')
    .action(async (_options: unknown, command: Command) => {
      const pulled = await pulledModels(folderOf(host))
      const rows = rowsOf(pulled)
      print(host, command, { models: rows.map(jsonRow) }, rows.map(row => lineOf(row)).join('\n'))
    })
  models
    .command('pull')
    .description('download a model into DATA_DIR/models; goes on where it stopped when it is run again')
    .argument('<name>', 'a name of the list, or one of your own with --from')
    .option('--from <address>', 'another address that the files are under, or a folder')
    .option('--kind <kind>', 'embedding or reranker, for a name that is not in the list', 'embedding')
    .action(async (name: string, flags: PullFlags, command: Command) => {
      const { signal, release } = interruptible(host, 'stopping; run the same command again to go on')
      const progress = createPullProgress(host)
      try {
        const pulled = await pull(sourceOf(name, flags), {
          models: folderOf(host),
          signal,
          onBytes: progress.bytes,
          onRetry: (attempt, reason) => progress.line(`askwell: ${reason}: trying again (${attempt})`),
        })
        progress.end()
        const { manifest, isNew, folder } = pulled
        print(host, command, { ...manifest, folder, is_new: isNew }, pulledText(manifest, isNew))
      } finally {
        progress.end()
        release()
      }
    })
  models
    .command('remove')
    .description('delete a model that was pulled')
    .argument('<name>')
    .action(async (name: string, _options: unknown, command: Command) => {
      const isRemoved = await removePulled(folderOf(host), name)
      if (!isRemoved) host.exitCode = exitCodes.failed
      print(host, command, { name, removed: isRemoved }, isRemoved ? `${name}: removed` : `${name} was not pulled`)
    })
}

/** The settings of models may name one that is yet to be pulled, which must not keep anybody from pulling it. */
function folderOf({ env }: Host): string {
  const { DATA_DIR } = env
  return modelsFolder(
    resolve(readConfig({ ...(DATA_DIR !== undefined && { DATA_DIR }) }).database.dataDir ?? '.askwell'),
  )
}

function sourceOf(name: string, { from, kind = 'embedding' }: PullFlags): PullSource {
  if (kind !== 'embedding' && kind !== 'reranker')
    throw new PullError(`--kind is "${kind}"; it is embedding or reranker`)
  const known = inCatalogue(name)
  if (!known && from === undefined)
    throw new PullError(
      `there is no model "${name}" in the list: ${modelCatalogue.map(each => each.name).join(', ')}. For any other, name where its files are with --from`,
    )
  const model = known ?? { name, kind, files: unknownFiles(name, from!), languages: undefined }
  const { license, languages, prefixes, pooling } = model as Partial<CatalogueModel>
  return {
    name,
    kind: model.kind,
    from: from ?? known!.address,
    // Another address may have other files under these names; they are compared from the first pull on.
    files: from === undefined ? model.files : known ? filesAt(known, from) : model.files,
    usage: {
      ...(license !== undefined && { license }),
      ...(languages !== undefined && { languages }),
      ...(prefixes && { prefixes }),
      ...(pooling && { pooling }),
    },
  }
}

const modelFiles = ['onnx/model_quantized.onnx', 'onnx/model.onnx', 'model_quantized.onnx', 'model.onnx']
const otherFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json']
/** What a folder may have to say about how the model is used. */
const optionalFiles = [
  'modules.json',
  'config_sentence_transformers.json',
  'sentence_bert_config.json',
  '1_Pooling/config.json',
]

/** The files of the catalogue without their sums; a folder may have the model under another of the usual names. */
function filesAt({ files }: CatalogueModel, from: string): PullSource['files'] {
  if (!isAddress(from)) return filesIn(from, modelFiles)
  return files.map(({ from: path, to }) => ({ from: path, to }))
}

function unknownFiles(_name: string, from: string): PullSource['files'] {
  if (!isAddress(from)) return filesIn(from, modelFiles)
  return [
    ...[...otherFiles, modelFiles[0]!].map(path => ({ from: path, to: path })),
    ...optionalFiles.map(path => ({ from: path, to: path, isOptional: true })),
  ]
}

function filesIn(folder: string, candidates: readonly string[]): PullSource['files'] {
  const model = candidates.find(path => existsSync(resolve(folder, path)))
  if (model === undefined)
    throw new PullError(
      `${folder} has none of ${candidates.join(', ')}; --from names the folder of a model in ONNX form`,
    )
  const weights = [`${model}_data`, `${model}.data`].filter(path => existsSync(resolve(folder, path)))
  const optional = optionalFiles.filter(path => existsSync(resolve(folder, path)))
  // A cross-encoder needs no config.json.
  const others = otherFiles.filter(path => path !== 'config.json' || existsSync(resolve(folder, path)))
  return [...others, ...optional, model, ...weights].map(path => ({ from: path, to: path }))
}

interface Row {
  readonly name: string
  readonly known: CatalogueModel | undefined
  readonly pulled: Manifest | undefined
}

function rowsOf(pulled: ReadonlyMap<string, Manifest>): readonly Row[] {
  const names = new Set([...modelCatalogue.map(({ name }) => name), ...pulled.keys()])
  return [...names].map(name => ({ name, known: inCatalogue(name), pulled: pulled.get(name) }))
}

function jsonRow({ name, known, pulled }: Row) {
  const { kind, address, license = null, languages = null, prefixes = null } = { ...known, ...pulled }
  return {
    name,
    kind,
    address,
    license,
    megabytes: pulled ? Math.round(bytesOf(pulled) / 1e6) : known?.megabytes,
    languages,
    prefixes,
    note: known?.note ?? null,
    state: pulled ? 'pulled' : 'never tried here',
    pulled_at: pulled?.pulledAt ?? null,
  }
}

function lineOf(row: Row): string {
  const { name, kind, license, megabytes, languages, prefixes, note, state, address } = jsonRow(row)
  const reads = languages === null ? '' : languages === 'any' ? ', many languages' : `, ${languages.join(' ')}`
  const before = prefixes?.query ? `; puts "${prefixes.query}" before questions` : ''
  return [
    `${name.padEnd(24)} ${kind}, ${megabytes} MB, ${license ?? 'licence unknown'}${reads}; ${state}`,
    ...(note === null ? [] : [`  ${note}${before}`]),
    `  ${address}`,
  ].join('\n')
}

function bytesOf({ files }: Manifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function pulledText(manifest: Manifest, isNew: boolean): string {
  const { name, kind } = manifest
  const setting = kind === 'embedding' ? 'EMBEDDING_MODEL' : 'RERANK_MODEL'
  const size = `${Math.round(bytesOf(manifest) / 1e6)} MB`
  const next = kind === 'embedding' ? `; then load, or rebuild vectors with: askwell reembed` : ''
  return `${name}: ${isNew ? `pulled, ${size}` : 'is there already'}\nuse it with: ${setting}=pulled:${name}${next}`
}

interface PullProgress {
  bytes(file: string, received: number, size: number | null): void
  line(text: string): void
  end(): void
}

const logEveryMs = 5000

/** On a terminal a bar for each file, elsewhere a plain line every few seconds. */
function createPullProgress(host: Host): PullProgress {
  let bar: SingleBar | null = null
  let current = ''
  let lastLineAt = performance.now()
  const inMb = (bytes: number) => (bytes / 1e6).toFixed(1)

  function begin(file: string, size: number | null): void {
    bar?.stop()
    current = file
    bar = new SingleBar({
      format: '{bar} {percentage}% | {file}, {mb} MB | {eta_formatted} left',
      stream: host.stderr,
      hideCursor: true,
      barsize: 30,
    })
    bar.start(size ?? 0, 0, { file, mb: inMb(0) })
  }

  return {
    bytes(file, received, size) {
      if (host.stderr.isTTY) {
        if (file !== current) begin(file, size)
        bar?.update(received, { file, mb: inMb(received) })
        return
      }
      const now = performance.now()
      if (now - lastLineAt < logEveryMs) return
      lastLineAt = now
      say(host, `${file}: ${inMb(received)}${size === null ? '' : ` of ${inMb(size)}`} MB`)
    },
    line: text => say(host, text),
    end() {
      bar?.stop()
      bar = null
    },
  }
}
