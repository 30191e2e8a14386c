/**
 * Addresses within text. In `[the form](https://example.org/forms/2026)` the words of the address say nothing more than
 * those of the sentence: as search terms they would outnumber them, and to a language model they look like English.
 */

/** A link in Markdown to a web page or a file; the addresses of mail and telephone stay, because people ask for them. */
const linkTarget = /(?<=\])\((?!mailto:|tel:)(?=[^\s()/.]*[/.])[^\s()]*\)/gi
const address = /\b(?:https?:\/\/|www\.)[^\s<>()]+|(?<=\])\((?:mailto:|tel:)[^\s()]*\)|[\w.+-]{1,64}@[\w.-]{1,255}/gi

/** The text as it is searched: without the targets of links. */
export function withoutLinkTargets(text: string): string {
  return text.includes('](') ? text.replace(linkTarget, ' ') : text
}

/** The text without any address, for deciding which language it is in. A text of nothing else stays as it is. */
export function withoutAddresses(text: string): string {
  if (!/[@]|:\/\/|www\.|\]\(/.test(text)) return text
  const rest = withoutLinkTargets(text).replace(address, ' ')
  return /\p{L}/u.test(rest) ? rest : text
}
