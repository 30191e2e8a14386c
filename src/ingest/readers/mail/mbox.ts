import { createReadStream } from 'node:fs'

/** A message of a mailbox, and the line at which it begins. */
export type Message =
  { readonly line: number; readonly bytes: Buffer } | { readonly line: number; readonly fault: string }

export interface MboxOptions {
  readonly largestBytes: number
  /** Called with the number of further bytes read. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

const lineFeed = 0x0a
const joinedLines = 4096
const separator = Buffer.from('From ')
const quotedSeparator = /^>+From /

/**
 * The messages of a mailbox (`mbox`) of any size, one at a time. A message begins with a line `From …` below an empty
 * one. Such lines inside a message have `>` in front, which is removed.
 */
export async function* readMbox(path: string, { largestBytes, onBytes }: MboxOptions): AsyncGenerator<Message> {
  let parts: Buffer[] = []
  let lines: Buffer[] = []
  let size = 0
  let start = 0
  let number = 0
  let isBlank = true
  let isEmpty = true
  const message = (): Message =>
    size > largestBytes
      ? { line: start, fault: `has a message that is larger than ${largestBytes / 2 ** 20} MB` }
      : { line: start, bytes: Buffer.concat([...parts, ...lines]) }

  for await (const line of linesOf(path, largestBytes, onBytes)) {
    number += 1
    if (isBlank && line.subarray(0, separator.length).equals(separator)) {
      if (size > 0) yield message()
      isEmpty &&= size === 0
      parts = []
      lines = []
      size = 0
      start = number
    } else if (start > 0) {
      size += line.length
      if (size > largestBytes) parts = []
      else lines.push(unquoted(line))
      // A line takes far more memory than its bytes: a message may have millions.
      if (lines.length >= joinedLines || size > largestBytes) {
        if (size <= largestBytes) parts.push(Buffer.concat(lines))
        lines = []
      }
    } else if (line.toString('latin1').trim() !== '') {
      yield { line: number, fault: 'is damaged or not a mailbox (mbox)' }
      return
    }
    isBlank = line.length <= 2 && line.toString('latin1').trim() === ''
  }
  if (size > 0) yield message()
  else if (isEmpty) yield { line: 1, fault: 'has no mails' }
}

function unquoted(line: Buffer): Buffer {
  return line[0] === 0x3e && quotedSeparator.test(line.toString('latin1', 0, 200)) ? line.subarray(1) : line
}

/** Lines with their ends. A longer line than `most` comes in parts. */
async function* linesOf(path: string, most: number, onBytes: MboxOptions['onBytes']): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let length = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at + 1)])
      rest = []
      length = 0
      from = at + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > most) {
      yield Buffer.concat(rest)
      rest = []
      length = 0
    }
    onBytes?.(chunk.length)
  }
  if (rest.length > 0) yield Buffer.concat(rest)
}
