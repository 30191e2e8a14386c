import { foldVietnamese } from '../fold.ts'
import { fronted, type Grammar } from './grammar.ts'
import { end, rulesOf, start } from './rules.ts'

const self = 'tôi/em/mình/cháu/con'
const you = 'bạn/anh/chị/anh_chị/ad/admin/shop/thầy/cô/mọi_người'

const frames = rulesOf(`
  vui lòng
  làm ơn
  với? ạ $ = $
  nhé/vậy/hả $ = $
  ạ
  xin? cảm/cám ơn $ = $
  xin? cảm/cám ơn ${you}/nhiều $ = $
  ^ xin? chào = ^
  ^ chào ${you} = ^
  ^ dạ/alo/à = ^
  ^ ${you} ơi = ^
  ^ ${you}? cho ${self}/chúng_tôi? hỏi/biết/hỏi_là = ^
  ^ xin cho_hỏi/cho_biết/hỏi/được_hỏi/cho_tôi_hỏi/cho_tôi_biết = ^
  ^ ${self}/chúng_tôi muốn hỏi khi/bao/làm/ai/cách/tại/vì/ở/mấy/có = ^ {-1}
  ^ ${self}/chúng_tôi muốn biết/được_biết = ^
  ^ ${you} có_thể/có cho/nói_cho/chỉ_cho ${self}/chúng_tôi biết = ^ POLITE
  ^ giải thích cho ${self}? = ^
`)

const how = 'làm_sao/làm_thế_nào/làm_cách_nào/bằng_cách_nào'
const manner = 'như_thế_nào/thế_nào/ra_sao/bằng_cách_nào'
const subject = 'tôi/mình/chúng_tôi/chúng_em/chúng_mình/bọn_em'

/** "em" means "I" only before such words: it is also a younger sibling ("em trai", "em chồng tôi"). */
const pronouns = rulesOf(`
  ko = không
  trẻ/anh/chị/đàn em = {1} em
  em có/muốn/cần/phải/bị/được/đang/đã/sẽ/không/chưa/nên/mới/vừa/làm_sao/làm_thế_nào = tôi {2} {3} {4}
`)

const asked = rulesOf(`
  ${how} để? ${subject}? có_thể? = HOW
  ^ ${subject} phải? ${how} để? = ^ HOW
  ^ cách ly/mạng/âm/nhiệt/xa/đây/nhau/điệu/chức = ^ cách {3}
  ^ cách để? = ^ HOW
  là? ${manner} $ = HOW $
  là? khi_nào/bao_giờ/lúc_nào thì? = WHEN
  bao_giờ/lúc_nào/khi_nào cũng = ALWAYS
  không bao giờ = NEVER
  lúc? mấy giờ = TIME
  ở_đâu/tại_đâu/ở_chỗ_nào/ở_nơi_nào/ở_tại_đâu = WHERE
  là? bao nhiêu = QUANTITY
  phải/đúng không $ = TAG $
  có_phải là = ISIT
  bên/tay/không phải = {1} phải
  có? cần? phải = MUST
  có? được_phép = CAN
  có_thể = CAN
  có được = được
  có? được không/chứ/hông/hay_không $ = CAN YN $
  hay? không $ = YN $
  gì/nào = WHAT
  những/các
  được không nếu = CAN YN nếu
  không nếu = YN nếu
  thì ${subject}? = THEN
  của tôi/chúng_tôi/chúng_em
  của em $ = $
  nếu/khi/vì/do/để ${subject} = {1}
  một mình = một mình
  giờ mở cửa của = giờ mở cửa
  giờ làm việc của = giờ làm việc
  địa chỉ của = địa chỉ
  số điện thoại của = số điện thoại
  ^ ${subject} = ^
`)

/** Turns "nếu mất thẻ thì làm gì" into "làm gì nếu mất thẻ". */
function conditionLast(words: readonly string[]): readonly string[] {
  const then = words.indexOf('THEN')
  const rest = words.filter(word => word !== 'THEN')
  if (words[1] !== 'nếu' || then < 0 || words.lastIndexOf('THEN') !== then || words.lastIndexOf('nếu') !== 1)
    return rest
  return [start, ...words.slice(then + 1, -1), ...words.slice(1, then), end]
}

const holdsOrder: ReadonlySet<string> = new Set(['không', 'chưa', 'đừng', 'NEVER', 'nếu', 'mà', 'khi', 'hoặc', 'hay'])
const asks: ReadonlySet<string> = new Set(['HOW', 'WHERE'])

const barriers: ReadonlySet<string> = new Set(
  'nếu khi mà vì để rồi và nhưng hoặc hay trước sau không chưa biết WHEN WHERE HOW TIME ai'.split(' '),
)
const isBarrier = (word: string): boolean => barriers.has(word)

/** Treats "where can I" as "where do I", and moves a permission that stands alone to the front ("… được không"). */
function permission(words: readonly string[]): readonly string[] {
  const first = words.indexOf('CAN')
  const single = words.filter((word, i) => word !== 'CAN' || i === first)
  if (words.some(word => asks.has(word))) return single.filter(word => word !== 'CAN')
  return single.some(word => holdsOrder.has(word))
    ? single
    : fronted(single, { isMoved: word => word === 'CAN', isBarrier })
}

/** Drops the closing "không" of "can you tell me … không", which asks nothing itself. */
function withoutPoliteness(words: readonly string[]): readonly string[] {
  return words[1] === 'POLITE'
    ? words.filter((word, i) => i !== 1 && !(word === 'YN' && i === words.length - 2))
    : words
}

function adverbFirst(words: readonly string[]): readonly string[] {
  return fronted(words, { isMoved: word => asks.has(word), isBarrier })
}

/**
 * Takes a question about the time as the hour only for things that open and close, where past and future (WHEN at the
 * end, at the front) are equal.
 */
function withTime(words: readonly string[]): readonly string[] {
  if (!/ (?:mở|đóng) cửa /.test(words.join(' '))) return words
  return fronted(
    words.map(word => (word === 'TIME' ? 'WHEN' : word)),
    { isMoved: word => word === 'WHEN', isBarrier },
  )
}

const verbs: ReadonlySet<string> = new Set(
  'mở đóng nhận bán giao hỗ cần nên làm dạy tính mất áp được bị thu phát cấp chịu chấp phục CAN MUST'.split(' '),
)

/** Treats "có mở cửa không" as "mở cửa không", but "có con" (has children) is not "con". */
function withoutAffirmation(words: readonly string[]): readonly string[] {
  return words.at(-2) === 'YN' ? words.filter((word, i) => word !== 'có' || !verbs.has(words[i + 1] ?? '')) : words
}

function arrange(words: readonly string[]): readonly string[] {
  return adverbFirst(permission(withoutAffirmation(withTime(conditionLast(withoutPoliteness(words))))))
}

/** Words have no inflection, and every diacritic distinguishes words: "bán" (sell) is not "bàn" (table). */
export const vietnamese: Grammar = {
  split: word => [foldVietnamese(word.replaceAll("'", ''))],
  conditions: new Set(['nếu']),
  frames,
  steps: [pronouns, asked],
  arrange,
  bare: word => word,
}
