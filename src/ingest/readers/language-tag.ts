/** Country codes that are often used for the language. */
const languageOfCountry: Readonly<Record<string, string>> = {
  kz: 'kk',
  vn: 'vi',
  ua: 'uk',
  cz: 'cs',
  jp: 'ja',
  cn: 'zh',
}

/** The primary language of a tag in any case and form (`RU`, `ru_RU`, `kz`), or null if it is not a language tag. */
export function primaryLanguage(tag: string | null | undefined): string | null {
  const plain = (tag ?? '').trim().replaceAll('_', '-').toLowerCase()
  if (!/^[a-z]{2,3}(-|$)/.test(plain)) return null
  try {
    const { language } = new Intl.Locale(plain)
    return languageOfCountry[language] ?? language
  } catch {
    return null
  }
}
