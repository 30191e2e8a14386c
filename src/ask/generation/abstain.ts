/** "I can't find that in the documents.", by language. Each ends with its own script's full stop. */
const abstentions: Readonly<Record<string, string>> = {
  ar: 'لا أجد ذلك في المستندات.',
  az: 'Bunu sənədlərdə tapa bilmirəm.',
  be: 'Я не магу знайсці гэтага ў дакументах.',
  bg: 'Не намирам това в документите.',
  bn: 'আমি নথিগুলিতে এটি খুঁজে পাচ্ছি না।',
  ca: 'No ho trobo als documents.',
  cs: 'V dokumentech to nemohu najít.',
  da: 'Det kan jeg ikke finde i dokumenterne.',
  de: 'Das kann ich in den Dokumenten nicht finden.',
  el: 'Δεν το βρίσκω στα έγγραφα.',
  en: "I can't find that in the documents.",
  es: 'No lo encuentro en los documentos.',
  et: 'Ma ei leia seda dokumentidest.',
  fa: 'این را در اسناد پیدا نمی‌کنم.',
  fi: 'En löydä sitä asiakirjoista.',
  fr: 'Je ne trouve pas cela dans les documents.',
  he: 'איני מוצא זאת במסמכים.',
  hi: 'मुझे यह दस्तावेज़ों में नहीं मिल रहा है।',
  hr: 'To ne mogu pronaći u dokumentima.',
  hu: 'Ezt nem találom a dokumentumokban.',
  hy: 'Ես սա չեմ գտնում փաստաթղթերում։',
  id: 'Saya tidak dapat menemukannya dalam dokumen.',
  it: 'Non lo trovo nei documenti.',
  ja: '文書の中に見つかりません。',
  ka: 'ამას დოკუმენტებში ვერ ვპოულობ.',
  kk: 'Мен мұны құжаттардан таба алмадым.',
  ko: '문서에서 찾을 수 없습니다.',
  ky: 'Мен муну документтерден таба алган жокмун.',
  lt: 'Dokumentuose to nerandu.',
  lv: 'Es to nevaru atrast dokumentos.',
  ms: 'Saya tidak menemuinya dalam dokumen.',
  nl: 'Dat kan ik niet vinden in de documenten.',
  no: 'Det finner jeg ikke i dokumentene.',
  pl: 'Nie mogę tego znaleźć w dokumentach.',
  pt: 'Não encontro isso nos documentos.',
  ro: 'Nu găsesc acest lucru în documente.',
  ru: 'Я не нахожу этого в документах.',
  sk: 'V dokumentoch to neviem nájsť.',
  sl: 'Tega ne najdem v dokumentih.',
  sr: 'Не могу то да пронађем у документима.',
  sv: 'Det hittar jag inte i dokumenten.',
  th: 'ฉันไม่พบข้อมูลนี้ในเอกสาร',
  tr: 'Bunu belgelerde bulamıyorum.',
  uk: 'Я не можу знайти цього в документах.',
  ur: 'مجھے یہ دستاویزات میں نہیں مل رہا۔',
  uz: 'Men buni hujjatlardan topa olmayapman.',
  vi: 'Tôi không tìm thấy điều đó trong tài liệu.',
  zh: '我在文档中找不到相关内容。',
}

/** Other codes for the same language. */
const aliases: Readonly<Record<string, string>> = { nb: 'no', nn: 'no', in: 'id', iw: 'he' }

/** The abstention text in a language (BCP 47); English for languages without one. */
export function abstention(language: string): string {
  const primary = language.toLowerCase().split('-')[0] ?? ''
  const code = Object.hasOwn(aliases, primary) ? aliases[primary]! : primary
  return (Object.hasOwn(abstentions, code) ? abstentions[code] : undefined) ?? abstentions['en']!
}
