import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import type { FoundFile } from './find-files.ts'
import { formatOf, type Format } from './formats.ts'
import { cleanLine } from './readers/clean-text.ts'
import { documentOf, UnreadableError, type Content, type Naming } from './readers/content.ts'
import { readMail, type Mail, type MailAttachment } from './readers/mail/mail.ts'
import { readMbox, type Message } from './readers/mail/mbox.ts'
import { createSeenRows, type SeenRows } from './readers/rows/seen-rows.ts'
import type { ReadResult } from './terms.ts'

type WholeFormat = Extract<Format, { kind: 'text' | 'bytes' }>
type RowsFormat = Extract<Format, { kind: 'rows' }>

export interface MailDeps {
  readonly largestBytes: number
  readonly contentOf: (bytes: Buffer, format: WholeFormat, extension: string) => Promise<Content>
  /** Reads a file of rows, which the report calls `shown`. */
  readonly rowsOf: (path: string, shown: string, format: RowsFormat, naming: Naming) => AsyncIterable<ReadResult>
  readonly reasonOf: (error: unknown) => string
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** Mails within mails are read to this depth. */
const deepest = 3

/**
 * The mails of a file with their attachments. An attachment is a document of its own, with the source
 * `mail.eml/attachment.pdf`. The mails of a mailbox are `mail.mbox#message-id`.
 */
export async function* readMails(
  file: FoundFile,
  isMany: boolean,
  naming: Naming,
  deps: MailDeps,
): AsyncGenerator<ReadResult> {
  const seen = createSeenRows()
  const sources = createSeenRows()
  for await (const message of isMany ? readMbox(file.path, deps) : oneMessage(file, deps)) {
    const { line } = message
    const at = isMany ? { line } : {}
    try {
      if ('fault' in message) throw new UnreadableError(message.fault)
      const mail = await readMail(message.bytes)
      const id = mail.id ?? createHash('sha256').update(message.bytes).digest('hex').slice(0, 16)
      const first = isMany ? seen.firstLine(id, line) : null
      if (first !== null) throw new UnreadableError(`is the same message as line ${first}`)
      const source = isMany ? `${naming.source}#${id}` : naming.source
      for await (const result of partsOf(mail, { ...naming, source }, file.path, { ...deps, depth: 0 }))
        yield atLine(apart(result, file.path, sources), at)
    } catch (error) {
      yield { fault: { path: file.path, reason: deps.reasonOf(error), ...at } }
    }
  }
}

/** A message id or a row may be named so that its source is that of another part, which it would replace. */
function apart(result: ReadResult, path: string, sources: SeenRows): ReadResult {
  if ('fault' in result || sources.firstLine(result.document.source, 1) === null) return result
  return { fault: { path, reason: `has two parts that would be stored as ${result.document.source}` } }
}

function atLine(result: ReadResult, at: { readonly line?: number }): ReadResult {
  return 'fault' in result ? { fault: { ...result.fault, ...at } } : { ...result, ...at }
}

async function* oneMessage({ path, bytes }: FoundFile, { largestBytes, onBytes }: MailDeps): AsyncGenerator<Message> {
  if (bytes > largestBytes) yield { line: 1, fault: `is larger than ${largestBytes / 2 ** 20} MB` }
  else yield { line: 1, bytes: await readFile(path) }
  onBytes?.(bytes)
}

interface PartDeps extends MailDeps {
  readonly depth: number
}

/** The mail itself, then its attachments. A mail that only carries attachments is no fault. */
async function* partsOf(mail: Mail, naming: Naming, path: string, deps: PartDeps): AsyncGenerator<ReadResult> {
  const known = namedApart(mail.attachments.filter(({ name }) => formatOf(name) !== undefined))
  const unknown = mail.attachments.filter(({ name }) => formatOf(name) === undefined).map(({ name }) => cleanLine(name))
  const document = documentOf(mail.content, naming)
  if (document.text.trim() !== '') yield { document }
  else if (known.length === 0) throw new UnreadableError('has no text')
  if (unknown.length > 0) {
    const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : ''
    const reason = `has attachments of a format that is not supported: ${unknown.slice(0, 5).join(', ')}${more}`
    yield { fault: { path, reason } }
  }
  for (const attachment of known) {
    const { name } = attachment
    const inside = { ...naming, source: `${naming.source}/${name}`, fallbackTitle: basename(name, extname(name)) }
    try {
      yield* readAttachment(attachment, inside, `${path}/${name}`, deps)
    } catch (error) {
      yield { fault: { path: `${path}/${name}`, reason: deps.reasonOf(error) } }
    }
  }
}

/** Names without folders. Of two with one name, the second gets a number. */
export function namedApart(attachments: readonly MailAttachment[]): MailAttachment[] {
  const taken = new Set<string>()
  const lastNumber = new Map<string, number>()
  return attachments.map(({ name, bytes }) => {
    const plain = cleanLine(name).replace(/[/\\]+/g, '_')
    const extension = extname(plain)
    let free = plain
    let number = lastNumber.get(plain) ?? 1
    while (taken.has(free)) free = `${plain.slice(0, plain.length - extension.length)} (${++number})${extension}`
    taken.add(free)
    lastNumber.set(plain, number)
    return { name: free, bytes }
  })
}

async function* readAttachment(
  { name, bytes }: MailAttachment,
  naming: Naming,
  path: string,
  deps: PartDeps,
): AsyncGenerator<ReadResult> {
  const format = formatOf(name)!
  if (format.kind === 'mail') {
    if (deps.depth >= deepest) throw new RangeError('nested too deeply')
    yield* partsOf(await readMail(bytes), naming, path, { ...deps, depth: deps.depth + 1 })
  } else if (format.kind === 'rows') {
    yield* readRows(format, bytes, file => deps.rowsOf(file, path, format, naming))
  } else {
    const content = await deps.contentOf(bytes, format, extname(name).toLowerCase())
    for (const reason of content.warnings ?? []) yield { fault: { path, reason } }
    const document = documentOf(content, naming)
    if (document.text.trim() === '') throw new UnreadableError('has no text')
    yield { document }
  }
}

/** Readers of rows read files, so the attachment becomes one for as long as it is read. */
async function* readRows(
  format: RowsFormat,
  bytes: Buffer,
  rowsOf: (file: string) => AsyncIterable<ReadResult>,
): AsyncGenerator<ReadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'askwell-'))
  try {
    const file = join(folder, `attachment${format.extensions[0]}`)
    await writeFile(file, bytes)
    yield* rowsOf(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
