import t from 'tap'
import { tokens } from '../../../src/text/tokens.ts'

const cut = (text: string): string =>
  tokens(text)
    .map(({ parts, wholes }) => [...parts, ...wholes].join(' '))
    .join(' | ')

const examples: Readonly<Record<string, string>> = {
  'How do I log in?': 'how | do | i | log | in',
  'hnsw.ef_search': 'hnsw ef search hnswefsearch efsearch',
  connectionTimeout: 'connection timeout connectiontimeout',
  HTTPServer: 'http server httpserver',
  PDFs: 'pdfs',
  'Content-Type': 'content type contenttype',
  '--flag-name': 'flag name flagname',
  'node.js': 'node js nodejs',
  'C++, C# and C': 'c++ | c# | and | c',
  'Notepad++': 'notepad notepad++',
  '.NET and ASP.NET': 'net dotnet | and | asp net aspnet',
  'a file. Next .env': 'a | file | next | env dotenv',
  'RFC 9457': 'rfc | 9457',
  'Закон № 44-ФЗ': 'закон | no | 44 фз 44фз',
  '1,000 or 1 000': '1.000 1000 | or | 1 000 1000',
  '3,14 is 3.14': '3.14 | is | 3.14',
  '2026-11-21': '2026 11 21 2026-11-21',
  'v1.41': '1.41 v1.41',
  'U.S.A.': 'usa',
  "Newton's laws": 'newton | laws',
  'don’t': 'dont',
  "l'université d’été": 'université | été',
  "dell'acqua": 'acqua',
  "O'Brien": 'o brien obrien',
  'https://example.com/log_in': 'https | example com examplecom | log in login',
  'Высокая Ёлка; API-интерфейс': 'высокая | елка | api интерфейс apiинтерфейс',
  奖学金在哪里: '奖学金 在 哪里 奖学 学金 金在 在哪',
  東京タワーはどこ: '東京タワー は どこ 東京',
  ขอทุนการศึกษา: 'ขอ ทุน การ ศึกษา',
  '대학교에서 공부': '대학교에서 대학 학교 교에 에서 | 공부',
  Python语言: 'python | 语言',
}
const spellings = [
  ['max_connections', 'maxConnections', 'max-connections'],
  ['e-mail', 'email'],
  ['utf-8', 'UTF8'],
  ['COVID-19', 'covid19'],
]

for (const [text, words] of Object.entries(examples)) {
  t.test(`"${text}": is cut into ${words}`, async t => {
    t.equal(cut(text), words)
  })
}

t.test('spellings of one name: share a term', async t => {
  for (const names of spellings) {
    const [first, ...others] = names.map(
      name => new Set(tokens(name).flatMap(({ parts, wholes }) => [...parts, ...wholes])),
    )
    for (const other of others) t.not(first?.intersection(other).size, 0, names.join(' '))
  }
})

t.test('no letters and no digits: no words', async t => {
  for (const text of ['', ' \n', '… — !?', '😀👍🏽 🇰🇿', '™ © ℹ️']) t.same(tokens(text), [])
})
