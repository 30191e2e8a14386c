import { until } from './until.ts'
import { adminKey } from './admin-key.ts'
import type { App } from './app.ts'

/** A small handbook with known answers. */
export const handbook = [
  {
    source: 'handbook/grants.md',
    title: 'Grants',
    metadata: { faculty: 'law', year: 2025, tags: ['money', 'students'] },
    text: "# Grants\n\nA student applies for a grant at the dean's office before 15 September. The form needs a copy of the passport and the transcript.\n\n## Amount\n\nThe state grant is 36,660 tenge a month. Students with honours receive 15 percent more.",
  },
  {
    source: 'handbook/dormitory.md',
    title: 'Dormitory',
    url: 'https://example.edu/dormitory',
    metadata: { faculty: 'all', year: 2024 },
    text: '# Dormitory\n\nA place in the dormitory costs 12,000 tenge a month. Foreign students are settled first. The warden keeps the list of free rooms.\n\n## Quiet hours\n\nQuiet hours last from 23:00 to 07:00. Guests must leave by 22:00.',
  },
  {
    source: 'handbook/library.md',
    title: 'Library',
    metadata: { faculty: 'all', year: 2023 },
    text: '# Library\n\nThe library lends books for thirty days. A lost book is replaced by the same edition or paid for at three times its price. The reading room is open until midnight during examinations.',
  },
  {
    source: 'handbook/stipendiya.md',
    title: 'Стипендия',
    language: 'ru',
    metadata: { faculty: 'law', year: 2025 },
    text: '# Стипендия\n\nЧтобы подать на стипендию, студент приносит заявление в деканат до 15 сентября. К заявлению прикладывают копию паспорта и справку об оценках. Повышенную стипендию получают отличники.',
  },
] as const

export async function loadHandbook(app: Pick<App, 'send'>, collection = 'default'): Promise<void> {
  await loadHandbookWith(adminKey, app, collection)
}

export async function loadHandbookWith(key: string, app: Pick<App, 'send'>, collection = 'default'): Promise<void> {
  const headers = { authorization: `Bearer ${key}` }
  const reply = await app.send('PUT', '/documents', { collection, documents: handbook }, headers)
  if (reply.status !== 200) throw new Error(`the handbook was not loaded: ${reply.status} ${reply.text}`)
  await unitsOf(app, headers)
}

/** Waits until no units are behind. */
export async function unitsOf(app: Pick<App, 'send'>, headers: Record<string, string>): Promise<void> {
  // A test that counts calls to the model, or makes it fail, must not meet those of the background.
  await until('its units are there', async () => {
    const { json } = await app.send('GET', '/collections', undefined, headers)
    return json.collections?.every(({ unit_state: state }: { unit_state: string }) => state !== 'behind')
  })
}
