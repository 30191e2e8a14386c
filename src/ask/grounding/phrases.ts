/**
 * Phrases of models that are no part of an answer: a refusal in prose ("The passages do not mention …"), talk of the
 * passages instead of their contents, and words that only introduce. By language; matched in folded text.
 */
import { fold } from '../../text/fold.ts'

/** What a model calls the passages. */
const sourceWords = [
  String.raw`(?:the |these |those |any of the |your |this )?(?:provided |given |above |available |retrieved |supplied )?(?:passages?|context|excerpts?|documents?|sources?|texts?|information|materials?|documentation|manual)(?: provided| given| above| available| supplied)?(?: \[\d+\])*`,
  String.raw`(?:(?:в|во|из|на) )?(?:этих |данных |приведенных |предоставленных |имеющихся |данном |этом |предоставленном )?(?:отрывк\S*|фрагмент\S*|документ\S*|текст\S*|контекст\S*|источник\S*|материал\S*|пассаж\S*|информаци\S*)`,
  String.raw`(?:берілген |келтірілген |осы |ұсынылған )?(?:үзінді\S*|құжат\S*|мәтін\S*|контекст\S*|дереккөз\S*|ақпарат\S*)`,
  String.raw`(?:các |những |trong )*(?:đoạn(?: văn| trích)?|tài liệu|văn bản|ngữ cảnh|nguồn|thông tin)(?: được cung cấp| đã cho| này| trên| cung cấp)*`,
  String.raw`(?:i |nei |nel |gli |le |la |il )?(?:passaggi|passaggio|brani|brano|documenti|documento|testo|testi|contesto|fonti|estratti|informazioni)(?: forniti| fornito| fornite| dati| disponibili)?`,
]
const source = `(?:${sourceWords.join('|')})`
const before = String.raw`(?<![\p{L}\p{M}])`

const refusals = [
  // English
  String.raw`${source} (?:(?:do not|does not|did not|don't|doesn't|cannot|fails? to) (?:\S+ )?(?:mention|contain|provide|specify|say|state|give|include|discuss|answer|address|have|describe|indicate|cover|explain|list|offer|tell|reveal|refer|hold|show)|(?:lacks?|contains? no|has no|have no|gives? no|provides? no|makes? no) (?:\S+ ){0,2}?(?:information|mention|answer|details?|data|reference|indication)|says? nothing)`,
  String.raw`(?:there is|there's|i (?:see|have|find|found)|we have) (?:no|not enough|insufficient|nothing) (?:\S+ ){0,3}?(?:information|mention|answer|details?|data|reference|indication)`,
  String.raw`(?:is|are|was|were)(?: not|n't) (?:\S+ )?(?:mentioned|specified|stated|provided|given|discussed|covered|described|included|listed|addressed|found|available|contained)(?: \S+){0,2} (?:in|by|within) ${source}`,
  String.raw`i (?:am sorry|'m sorry|apologi[sz]e|cannot|can't|can not|could not|couldn't|am unable|'m unable|do not know|don't know|do not have|don't have)`,
  String.raw`(?:sorry|unfortunately),? (?:but )?(?:i|we|the|there|this|no)(?![\p{L}])(?= .*(?:not|no |n't|unable|cannot))`,
  String.raw`(?:cannot|can't|could not|not possible to) (?:be )?(?:answer|answered|determine|determined|find|found|say)`,
  String.raw`no_answer|not enough information|insufficient information`,
  // Russian
  String.raw`${source} (?:\S+ ){0,3}?(?:не (?:содерж\S*|упомина\S*|указан\S*|сказано|говорит\S*|привод\S*|описан\S*|найден\S*|включа\S*|сообщ\S*|предостав\S*|раскрыва\S*)|нет|отсутству\S*|ничего)`,
  String.raw`(?:не (?:содержится|упоминается|указано|указана|указан|сказано|найдено|приводится|приведено)|нет (?:информации|сведений|данных|ответа|упоминани\S*)|отсутству\S* (?:информаци\S*|сведени\S*|данн\S*))`,
  String.raw`(?:к сожалению|извините|простите),? .*(?:не |нет )|я не (?:могу|нашел|нахожу|знаю|располагаю|вижу)|не (?:могу|удалось|представляется возможным) (?:найти|ответить|определить)`,
  // Kazakh
  String.raw`${source}(?: \S+){0,5} (?:жоқ|айтылмаған|көрсетілмеген|табылмады|кездеспейді|берілмеген|қамтылмаған|жазылмаған|айтылмайды|көрсетілмейді|таба алмадым|қамтымайды)`,
  String.raw`(?:ақпарат|мәлімет|жауап)\S* (?:жоқ|табылмады|таба алмадым)|кешіріңіз|өкінішке (?:орай|қарай)|жауап бере алмаймын`,
  // Vietnamese
  String.raw`${source} (?:\S+ ){0,3}?không (?:\S+ )?(?:đề cập|nói|nêu|có|chứa|cung cấp|nhắc|cho biết|ghi|bao gồm|đưa ra)`,
  String.raw`không (?:có|tìm thấy|đủ) (?:\S+ ){0,2}?(?:thông tin|dữ liệu|câu trả lời|đề cập)|(?:xin lỗi|rất tiếc).*không|(?:tôi|mình) không (?:thể|tìm|biết|có)|không được (?:đề cập|nhắc|nêu|nói)`,
  // Italian
  String.raw`${source} non (?:\S+ ){0,2}?(?:menziona\S*|contien\S*|contengono|specifica\S*|parla\S*|indica\S*|forni\S*|dic\S*|riporta\S*|inclu\S*|tratta\S*|cita\S*|precisa\S*)`,
  String.raw`non (?:è|e|sono|viene|vengono|risulta) (?:\S+ )?(?:menzionat\S*|specificat\S*|indicat\S*|riportat\S*|presente|presenti|disponibil\S*|trovat\S*)(?: \S+){0,3} ${source}`,
  String.raw`non (?:ci sono|c'è|ce|ho|trovo|dispongo|posso|so|riesco)(?: \S+){0,3} (?:informazion\S*|rispost\S*|dati|rispondere|trovare|dire)|mi dispiace|purtroppo.*non `,
]
const refusal = new RegExp(`${before}(?:${refusals.join('|')})`, 'u')

/** Whether a sentence says that the passages do not answer. */
export function isRefusal(sentence: string): boolean {
  return refusal.test(plain(sentence))
}

const talk = new RegExp(
  [
    String.raw`(?:according to|based on|as (?:stated|mentioned|described|per)(?: in)?|in|from|per|by|on the basis of) (?:the |these |this )?(?:provided |given |above )?(?:passages?|context|excerpts?)(?: \[?\d+\]?| provided| above| given)*[,:]?\s*(?:it is (?:stated|mentioned) that )?`,
    String.raw`(?:the |this )?(?:provided |given )?(?:passages?|context|excerpts?)(?: \[?\d+\]?| provided| above)* (?:states?|says?|mentions?|explains?|describes?|indicates?|shows?|tells? (?:us|you)|provides?|suggests?|specif(?:y|ies))(?: that)?[,:]?\s*`,
    String.raw`(?:согласно|в соответствии с|исходя из|на основании|как (?:указано|сказано) в|в) (?:приведенн\S+ |предоставленн\S+ |данн\S+ )?(?:отрывк\S+|фрагмент\S+|контекст\S+|пассаж\S+),? ?(?:(?:говорится|сказано|указано|указывается),? ?(?:что )?)?`,
    String.raw`(?:берілген |келтірілген )?(?:үзінді\S*|контекст\S*) (?:бойынша|сәйкес),? ?`,
    String.raw`(?:theo|dựa (?:trên|vào|theo)) (?:các |những )?(?:đoạn(?: văn| trích)?|ngữ cảnh)(?: được cung cấp| đã cho| trên)*(?: \[?\d+\]?)?,? ?`,
    String.raw`(?:secondo|in base a|sulla base de|stando a|come (?:indicato|riportato) ne)(?:l|i|gli|lle|ll)? ?(?:passaggi\S*|bran\S+|contest\S+|estratt\S+)(?: fornit\S+)?(?: \[?\d+\]?)?,? ?`,
  ].join('|'),
  'giu',
)

/** The sentence without talk of the passages: "According to passage 1, the fee is 5 euros" is "The fee is 5 euros". */
export function withoutTalk(sentence: string): string {
  const first = new RegExp(`^(?:${talk.source})`, 'iu').exec(sentence)
  if (first === null || first[0] === '') return sentence
  const rest = sentence.slice(first[0].length)
  return rest.replace(/^\p{Ll}/u, letter => letter.toUpperCase())
}

/** Whether a sentence is about the passages rather than about what they say. */
export function talksOfPassages(sentence: string): boolean {
  const words = new RegExp(talk.source, 'iu')
  return (
    words.test(fold(sentence)) ||
    /(?<!\p{L})(?:passages? (?:\[?\d\]?|above|below|provided)|the (?:provided|given) (?:text|context|passages?))/iu.test(
      sentence,
    )
  )
}

const upToFour = String.raw`(?: \S+){1,4}`
const attributions = [
  String.raw`(?:according to|as per|per|based on|as (?:stated|described|explained|specified|set out) (?:in|by))${upToFour}`,
  String.raw`(?:the|this|its|our|your)(?: \S+){1,3} (?:says?|states?|notes?|explains?|specif(?:y|ies)|adds?|mentions?|reads?)(?: that)?`,
  String.raw`(?:согласно|в соответствии с|исходя из|как (?:указано|сказано|написано) (?:в|на))${upToFour}`,
  String.raw`(?:в|на)(?: \S+){1,3} (?:сказано|указано|говорится|написано|отмечено|оговорено|прописано)(?: что)?`,
  String.raw`(?:\S+ ){1,4}(?:бойынша|сәйкес|делінген|айтылған|жазылған|көрсетілген)`,
  String.raw`(?:theo|dựa (?:trên|vào|theo)|căn cứ(?: vào| theo)?)${upToFour}`,
  String.raw`(?:\S+ ){1,4}(?:ghi|nêu|nói|quy định|cho biết)(?: rõ)?(?: rằng| là)?`,
  String.raw`(?:secondo|in base a\S*|stando a\S*|come (?:indicato|previsto|specificato|scritto) \S+)${upToFour}`,
  String.raw`(?:il|lo|la|i|gli|le|l'\S+)(?: \S+){0,3} (?:dice|precisa|specifica|indica|riporta|afferma|prevede|spiega)(?: che)?`,
]
const attribution = new RegExp(`^(?:${attributions.join('|')})$`, 'u')

/** Whether a clause only says where the rest stands: "According to the manual", "The rules say that". */
export function isAttribution(clause: string): boolean {
  return attribution.test(plain(clause).trim())
}

function plain(sentence: string): string {
  return fold(sentence.replace(/ ?\[\d{1,2}\]/g, ''))
    .replace(/\s+/gu, ' ')
    .replaceAll('’', "'")
}

const introductions = `yes|no|of course|sure|certainly|in short|in summary|summary|note|answer|here is|here are|here's|the answer|the answer is|as follows|
  steps|the steps are|the following|for example|see below|also|please note|да|нет|конечно|итак|ответ|вот|следующее|шаги|например|
  примечание|иә|жоқ|әрине|жауап|мынадай|келесі|мысалы|ескерту|có|vâng|dạ|đúng|câu trả lời|như sau|các bước|ví dụ|lưu ý|
  sì|si|no|certo|risposta|ecco|come segue|passaggi|i passaggi|ad esempio|nota|ja|nein|oui|non|sí`
const introduction = new RegExp(
  `^(?:(?:${introductions
    .split('|')
    .map(each => fold(each.trim()))
    .join('|')})[\\s,.:;!*]*)+$`,
  'u',
)

/** Whether a piece says nothing by itself: "Yes.", "Here are the steps:". */
export function isIntroduction(sentence: string): boolean {
  return introduction.test(plain(sentence).replace(/[*_#]/g, '').trim())
}
