import type postgres from 'postgres'

/** Prints how many terms stand in how many chunks: whether this vocabulary looks like a real one. */
export async function printFrequencies(
  sql: postgres.Sql,
  collection: { readonly id: number; readonly name: string },
): Promise<void> {
  const rows = await sql`
    select case when chunk_count = 1 then 0 else floor(log(chunk_count)) + 1 end as class, min(chunk_count) as from, max(chunk_count) as to,
      count(*) as terms, sum(chunk_count) as postings
    from collection_terms where collection_id = ${collection.id} group by 1 order by 1`
  const [terms, postings] = [sum(rows, 'terms'), sum(rows, 'postings')]
  console.log(`${collection.name}: ${terms} terms, ${postings} pairs of term and chunk`)
  console.table(
    rows.map(row => ({
      'chunks a term': row['from'] === row['to'] ? String(row['from']) : `${row['from']}–${row['to']}`,
      terms: Number(row['terms']),
      'share of terms, %': round((Number(row['terms']) / terms) * 100),
      'share of pairs, %': round((Number(row['postings']) / postings) * 100),
    })),
  )
}

const sum = (rows: readonly Record<string, unknown>[], field: string) =>
  rows.reduce((total, row) => total + Number(row[field]), 0)
const round = (value: number) => Math.round(value * 10) / 10
