import { nfc } from '../../../text/normal-form.ts'

/** Roles that a column can have; any other column is metadata. */
export type Meaning = 'id' | 'question' | 'answer' | 'title' | 'text' | 'url' | 'language'

/** Known column names, in the supported languages. */
const names: Record<Meaning, string> = {
  id: 'id, _id, key, uuid, идентификатор, mã',
  question:
    'question, questions, q, вопрос, вопросы, сұрақ, сұрақтар, câu hỏi, cau hoi, domanda, domande, frage, fragen, pregunta, preguntas, pergunta, perguntas, питання, запитання, pytanie, pytania, soru, sorular, 问题, 質問, 질문',
  answer:
    'answer, answers, a, ответ, ответы, жауап, жауаптар, câu trả lời, cau tra loi, trả lời, tra loi, risposta, risposte, antwort, antworten, réponse, réponses, respuesta, respuestas, resposta, respostas, відповідь, відповіді, odpowiedź, odpowiedzi, cevap, cevaplar, 答案, 回答, 답변',
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

/** The role of a column by its name, regardless of case and separators. */
export function meaningOf(column: string): Meaning | undefined {
  const plain = nfc(column).trim().toLowerCase()
  return meanings.get(plain) ?? meanings.get(plain.replace(/[\s_-]+/g, ' '))
}
