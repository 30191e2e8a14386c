/** The collections that are measured, by name. */
export const sizes: Readonly<Record<string, number>> = { '10k': 10_000, '100k': 100_000, '1m': 1_000_000 }

export const model = { name: 'bench-512', dimensions: 512 }

export const databaseOf = (size: string): string => `bench_${size}`

export function chunksOf(size: string): number {
  const count = sizes[size]
  if (count === undefined) throw new Error(`no size "${size}"; there are ${Object.keys(sizes).join(', ')}`)
  return count
}

export function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}
