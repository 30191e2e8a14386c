import t from 'tap'
import { adminKey, type App } from './app.ts'

/** Documents of a park and of a sports club in Russian, Kazakh and English: no fact is in two languages. */

type Document = readonly [source: string, language: 'ru' | 'kk' | 'en', title: string, text: string]

export const parkDocuments: readonly Document[] = [
  [
    'ru-boat',
    'ru',
    'Прокат лодок',
    'Прокат лодки стоит 3000 тенге в час. Залог не нужен, достаточно удостоверения личности.',
  ],
  [
    'ru-camp',
    'ru',
    'Палатки',
    'Палатки можно ставить только на северном берегу. Костры разрешены в отведённых местах.',
  ],
  ['ru-dogs', 'ru', 'Собаки', 'С собаками в парк пускают на поводке. На пляж их приводить нельзя.'],
  ['ru-season', 'ru', 'Сезон', 'Парк открыт с мая по сентябрь. Зимой дороги закрыты из-за лавин.'],
  ['kk-bus', 'kk', 'Автобус', 'Автобус вокзалдан саябаққа күн сайын таңғы тоғызда шығады. Жол екі сағатқа созылады.'],
  ['kk-fish', 'kk', 'Балық аулау', 'Балық аулау үшін рұқсат қағаз керек. Оны қақпадағы дүкеннен сатып алады.'],
  ['kk-guide', 'kk', 'Жолбасшы', 'Тауға жолбасшымен ғана шығуға болады. Топта он адамнан аспауы керек.'],
  ['en-water', 'en', 'Drinking water', 'Water from the springs is safe to drink. Boil what you take from the lake.'],
  ['en-rescue', 'en', 'Rescue', 'The rescue service has its hut at the foot of the glacier. In an emergency call 112.'],
]

export const sportDocuments: readonly Document[] = [
  [
    'ru-pool',
    'ru',
    'Бассейн',
    'Разовое посещение бассейна стоит две тысячи тенге, абонемент на месяц — пятнадцать тысяч.',
  ],
  ['ru-sauna', 'ru', 'Сауна', 'Сауна открыта по выходным. Полотенце и тапочки приносят с собой.'],
  ['ru-lost', 'ru', 'Потерянные вещи', 'Забытые вещи хранятся у администратора тридцать дней.'],
  ['kk-gym', 'kk', 'Жаттығу залы', 'Жаттығу залы таңғы алтыдан кешкі оңға дейін ашық. Демалыс күні жабық.'],
  ['kk-kids', 'kk', 'Балалар үйірмесі', 'Балаларға арналған гимнастика үйірмесі сейсенбі мен бейсенбіде өтеді.'],
  ['en-parking', 'en', 'Parking', 'Parking in the yard is free for members and costs 500 tenge per hour for guests.'],
]

export async function putDocuments(app: App, collection: string, documents: readonly Document[]): Promise<void> {
  const body = documents.map(([source, language, title, text]) => ({ source, language, title, text }))
  const headers = { authorization: `Bearer ${adminKey}` }
  const { status } = await app.send('PUT', '/documents', { collection, documents: body }, headers)
  t.equal(status, 200)
}
