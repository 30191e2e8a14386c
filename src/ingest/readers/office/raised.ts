const plain = '0123456789+-=()n'
const raisedSigns = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ'
const loweredSigns = '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ'

/** Superscript or subscript text as Unicode characters, so that 10⁶ does not become 106; otherwise `^a` or `_a`. */
export function raised(text: string, way: 'up' | 'down'): string {
  const signs = [...(way === 'up' ? raisedSigns : loweredSigns)]
  const converted = [...text].map(sign => signs[plain.indexOf(sign)])
  if (text.trim() === '' || /^\p{L}{2,}$/u.test(text)) return text
  return converted.includes(undefined) ? `${way === 'up' ? '^' : '_'}${text}` : converted.join('')
}
