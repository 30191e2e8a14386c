/** Parts of a sentence that are no claim of their own: what is supposed, what for, and what is left out. */
import { fold } from '../../text/fold.ts'

const conditions: Readonly<Record<string, RegExp>> = {
  en: /^(?:(?:and|but|or|yes|no),? )?(?:if|when|whenever|in case|whoever|anyone who|should you)(?![\p{L}])/u,
  ru: /^(?:[аи] |но )?(?:если|когда|при условии)(?![\p{L}])/u,
  kk: /(?:^егер(?![\p{L}])|[сc][аеә]|саңыз|сеңіз|сеніз|саныз)$|^егер(?![\p{L}])/u,
  vi: /^(?:và |nhưng )?(?:nếu|khi|trong trường hợp)(?![\p{L}])/u,
  it: /^(?:e |ma )?(?:se|quando|qualora|nel caso|chi)(?![\p{L}])/u,
}

/** Whether a clause only supposes something: "if the tank is not full". */
export function isCondition(clause: string, language: string): boolean {
  return Object.hasOwn(conditions, language) && conditions[language]!.test(fold(clause))
}

const purposes: Readonly<Record<string, RegExp>> = {
  en: /^(?:in order )?to \p{Ll}/u,
  ru: /^(?:для того,? чтобы|чтобы|для)(?![\p{L}])/u,
  kk: /(?:^|\s)үшін$/u,
  vi: /^(?:để|muốn)(?![\p{L}])/u,
  it: /^per \p{Ll}+[aei]r[ei]?(?![\p{L}])/u,
}

/** Whether a clause only says what for, as a question did: "to create an order, …". */
export function isPurpose(clause: string, language: string): boolean {
  return Object.hasOwn(purposes, language) && purposes[language]!.test(fold(clause))
}

const exceptive =
  /(?<![\p{L}\p{M}])(?:except|excluding|other than|apart from|but not|besides|unless|кроме|за исключением|исключая|басқа|қоспағанда|trừ|ngoại trừ|eccetto|tranne|salvo)\s+(?:(?:on|the|il|lo|la|i|gli|le|in|в|во|по|на)\s+)?/iu

const without = /(?<![\p{L}\p{M}])(?:without|без|senza)\s+/iu

/** What a text says "without" of. Null where it does not. */
export function withoutIn(text: string): string | null {
  return phraseAfter(without, text)
}

/** What a text makes an exception of. Null where there is none. */
export function exceptionIn(text: string): string | null {
  return phraseAfter(exceptive, text)
}

function phraseAfter(pattern: RegExp, text: string): string | null {
  const found = pattern.exec(text)
  return found && /^[^,;:.!?()]{0,60}/u.exec(text.slice(found.index + found[0].length))![0]
}
