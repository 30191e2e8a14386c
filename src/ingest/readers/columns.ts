import { nfc } from '../../text/normal-form.ts'

/** What a column can mean to us; any other column is metadata. */
export type Meaning = 'id' | 'question' | 'answer' | 'title' | 'text' | 'url' | 'language'

/** The names by which columns go, in the languages that we read. */
const names: Record<Meaning, string> = {
  id: 'id, _id, key, uuid, идентификатор, mã',
  question: 'question, questions, q, вопрос, вопросы, сұрақ, сұрақтар, câu hỏi, cau hoi, domanda, domande',
  answer:
    'answer, answers, a, ответ, ответы, жауап, жауаптар, câu trả lời, cau tra loi, trả lời, tra loi, risposta, risposte',
  title: 'title, name, heading, headline, заголовок, название, тема, тақырып, атауы, tiêu đề, tên, titolo, nome',
  text: 'text, content, body, passage, текст, содержание, мәтін, nội dung, văn bản, testo, contenuto',
  url: 'url, link, href, ссылка, адрес страницы, сілтеме, liên kết, đường dẫn, collegamento',
  language: 'language, lang, locale, язык, тіл, тілі, ngôn ngữ, lingua',
}

const meanings = new Map(
  Object.entries(names).flatMap(([meaning, listed]) =>
    listed.split(', ').map(name => [nfc(name), meaning as Meaning] as const),
  ),
)

/** What a column's name means to us, in whatever case and spelling it is written. */
export function meaningOf(column: string): Meaning | undefined {
  const plain = nfc(column).trim().toLowerCase()
  return meanings.get(plain) ?? meanings.get(plain.replace(/[\s_-]+/g, ' '))
}
