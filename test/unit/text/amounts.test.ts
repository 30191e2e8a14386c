import t from 'tap'
import { asksForAmount, hasAmount } from '../../../src/text/amounts.ts'

t.test('questions that only a number answers', async t => {
  for (const [language, question] of [
    ['en', 'How much does a place in the dormitory cost?'],
    ['en', 'And HOW  many rooms are there?'],
    ['en', 'In what year did it open?'],
    ['ru', 'Сколько стоит общежитие?'],
    ['ru', 'Скольким студентам дали место?'],
    ['kk', 'Жатақхана қанша тұрады?'],
    ['vi', 'Học phí là bao nhiêu?'],
    ['it', 'Quanto costa una stanza?'],
    ['de', 'Wie groß ist das Zimmer?'],
    ['fr', 'À quelle heure ferme la bibliothèque ?'],
    ['tr', 'Oda kaç lira?'],
    ['zh', '宿舍多少钱?'],
  ] as const)
    t.ok(asksForAmount(question, language), question)
})

t.test('questions that words answer, too', async t => {
  for (const [language, question] of [
    ['en', 'When are leave requests decided?'],
    ['en', 'How do I apply?'],
    ['en', 'Somehow manyfold'],
    ['ru', 'Когда открывается библиотека?'],
    ['ru', 'Нисколько не жаль?'],
    ['vi', 'Ai là hiệu trưởng?'],
    ['it', 'Chi è il rettore?'],
    ['und', 'How many?'],
  ] as const)
    t.notOk(asksForAmount(question, language), question)
})

t.test('a number is in digits of any script, or in words', async t => {
  for (const [language, text] of [
    ['en', 'It costs 12,000 tenge.'],
    ['ar', 'السعر ١٢ دولارا'],
    ['en', 'Guests may stay for two nights.'],
    ['en', 'Entry is free.'],
    ['ru', 'Книги выдают на двадцать дней.'],
    ['vi', 'Sinh viên được mượn ba cuốn.'],
    ['de', 'Die Hälfte der Zimmer ist frei.'],
  ] as const)
    t.ok(hasAmount(text, language), text)
  for (const [language, text] of [
    ['en', 'Often, someone freely tends the garden.'],
    ['ru', 'Студенты приносят заявление в деканат.'],
    ['und', 'two'],
  ] as const)
    t.notOk(hasAmount(text, language), text)
})
