import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type postgres from 'postgres'

/** Rows on their way into a table by COPY on a connection of their own, a quarter of a megabyte at a time. */
export interface Copy {
  write(row: Buffer): Promise<void>
  end(): Promise<void>
}

const batchBytes = 256 * 1024

export async function openTextCopy(sql: postgres.Sql, target: string): Promise<Copy> {
  return await batched(sql, `copy ${target} from stdin`)
}

const binaryHeader = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')

/** Binary: numbers as they are, for what would be slow to print and to read. */
export async function openBinaryCopy(sql: postgres.Sql, target: string): Promise<Copy> {
  const copy = await batched(sql, `copy ${target} from stdin with (format binary)`)
  await copy.write(binaryHeader)
  return copy
}

async function batched(sql: postgres.Sql, statement: string): Promise<Copy> {
  const connection = await sql.reserve()
  const stream: Writable = await connection.unsafe(statement).writable()
  let rows: Buffer[] = []
  let bytes = 0
  const flush = async () => {
    const isFull = !stream.write(Buffer.concat(rows))
    rows = []
    bytes = 0
    if (isFull) await once(stream, 'drain')
  }
  return {
    async write(row) {
      rows.push(row)
      bytes += row.length
      if (bytes > batchBytes) await flush()
    },
    async end() {
      await flush()
      const finished = once(stream, 'finish')
      stream.end()
      await finished
      connection.release()
    },
  }
}

/** A row of text COPY; null is `\N`. */
export function textRow(values: readonly (string | number | null)[]): Buffer {
  return Buffer.from(
    `${values.map(value => (value === null ? '\\N' : typeof value === 'number' ? String(value) : escaped(value))).join('\t')}\n`,
  )
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escaped(text: string): string {
  return text.replace(/[\\\t\n\r]/g, found => escapes[found]!)
}

export interface VectorRow {
  readonly chunkId: number
  readonly modelId: number
  readonly collectionId: number
  readonly start: number
  readonly end: number
  readonly vector: Float32Array
}

const leadBytes = 54

/** A row of `chunk_vectors` in binary COPY: each field is its length and its value; a halfvec is its dimensions, two bytes of nothing, and its numbers. */
export function vectorRow({ chunkId, modelId, collectionId, start, end, vector }: VectorRow): Buffer {
  const row = Buffer.allocUnsafe(leadBytes + 4 + 2 * vector.length)
  row.writeInt16BE(7, 0)
  row.writeInt32BE(8, 2)
  row.writeBigInt64BE(BigInt(chunkId), 6)
  row.writeInt32BE(2, 14)
  row.writeInt16BE(modelId, 18)
  row.writeInt32BE(4, 20)
  row.writeInt32BE(collectionId, 24)
  row.writeInt32BE(2, 28)
  row.writeInt16BE(0, 32)
  row.writeInt32BE(4, 34)
  row.writeInt32BE(start, 38)
  row.writeInt32BE(4, 42)
  row.writeInt32BE(end, 46)
  row.writeInt32BE(4 + 2 * vector.length, 50)
  row.writeInt16BE(vector.length, leadBytes)
  row.writeInt16BE(0, leadBytes + 2)
  const halves = Buffer.from(new Float16Array(vector).buffer).swap16()
  halves.copy(row, leadBytes + 4)
  return row
}
