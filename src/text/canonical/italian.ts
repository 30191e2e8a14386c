import { fronted, type Grammar } from './grammar.ts'
import { rulesOf } from './rules.ts'

const openers =
  'come/dove/quando/quanto/quanti/quanta/quante/chi/cosa/che/quale/quali/qual/perché/se/a/in/è/posso/devo/ci'

const frames = rulesOf(`
  per_favore
  per_piacere
  per_cortesia
  cortesemente
  gentilmente
  grazie/ringrazio in_anticipo/mille/anticipatamente? $ = $
  ^ buongiorno/buonasera/salve/ciao/scusi/scusa/scusate/mi_scusi = ^
  ^ buon giorno/pomeriggio = ^
  ^ buona sera/giornata = ^
  ^ ho/avrei una domanda = ^
  ^ vorrei/vorremmo/volevo/desidero/desidererei sapere = ^
  ^ vorrei/vorremmo/volevo/desidero/desidererei chiedere/capire ${openers} = ^ {-1}
  ^ mi piacerebbe/interessa sapere/capire = ^
  ^ mi/ci può/puoi/potete/potrebbe/potresti/potreste dire/spiegare/indicare = ^
  ^ può/puoi/potete/potrebbe/potresti/potreste dirmi/dirci/spiegarmi/spiegarci/indicarmi/indicarci/spiegare = ^
  ^ mi/ci sa/sai/sapete/sapreste/saprebbe dire/indicare? = ^
  ^ sa/sai/sapete/sapreste/saprebbe dirmi/dirci/indicarmi? = ^
  ^ qualcuno sa = ^
  ^ mi/ci dica/dici/dite/spieghi/indichi = ^
  ^ dimmi/dimmelo/ditemi/spiegami/spiegatemi/spiega = ^
  ^ posso/possiamo sapere/chiedere ${openers} = ^ {-1}
  ^ e/ma/allora = ^
`)

const can = 'posso/possiamo/potrei/potremmo/si_può/si_possono'
const must = 'devo/dobbiamo/si_deve/si_devono/bisogna'

const words = rulesOf(`
  il/del/al/dal/nel/sul fine/capitale/fronte/radio = {1} {2}
  del/dello/della/dei/degli/delle = di
  al/allo/alla/ai/agli/alle = a
  dal/dallo/dalla/dai/dagli/dalle = da
  nel/nello/nella/nei/negli/nelle = in
  sul/sullo/sulla/sui/sugli/sulle = su
  col/coi = con
  il/lo/la/i/gli/le/un/uno/una
  io
  mio/mia/miei/mie/nostro/nostra/nostri/nostre
`)

const asked = rulesOf(`
  come ${can} = HOW
  come faccio/facciamo a/per = HOW
  come fare a/per = HOW
  come si fa a/per = HOW
  come devo/dobbiamo/bisogna/si_deve fare per = HOW
  in_che_modo/in_quale_modo/come ${can}? = HOW
  dove ${can} = WHERE
  dove = WHERE
  quando = WHEN
  a che/quale ora = TIME
  perché = WHY
  che cosa = COSA
  cosa = COSA
  ^ che = ^ WHAT
  a/di/in/con/da/per che = {1} WHAT
  quali sono = WHAT BE
  dove sono = WHERE BE
  qual/quale/quali = WHAT
  è possibile che = BE possibile che
  è/sono possibile/consentito/permesso = CAN
  ${can} = CAN
  può/possono = CAN3
  è necessario = MUST
  ${must} = MUST
  deve/devono = MUST3
  dovrei/dovremmo/si_dovrebbe = SHOULD
  è = BE
`)

const adverbs: ReadonlySet<string> = new Set(['HOW', 'WHERE', 'WHEN', 'TIME', 'WHY'])
const isPlace = (word: string): boolean => adverbs.has(word)
const isBarrier = (word: string): boolean =>
  adverbs.has(word) || /^(?:e|ed|o|ma|mentre|dopo|prima|finché|poiché|cui|anche)$/.test(word)
/**
 * Events that people ask the time of. They need no object, so the noun next to them is what opens, closes or starts.
 */
const events: ReadonlyMap<string, string> = new Map(
  Object.entries({
    apre: 'apre',
    aprono: 'apre',
    chiude: 'chiude',
    chiudono: 'chiude',
    inizia: 'inizia',
    iniziano: 'inizia',
    comincia: 'comincia',
    cominciano: 'comincia',
    finisce: 'finisce',
    finiscono: 'finisce',
    scade: 'scade',
    scadono: 'scade',
    esce: 'esce',
    escono: 'esce',
  }),
)
const plurals: ReadonlyMap<string, string> = new Map([
  ...events,
  ['servono', 'serve'],
  ['occorrono', 'occorre'],
  ['costano', 'costa'],
  ['durano', 'dura'],
])

/** Turns "la segreteria dove si trova" into "dove si trova la segreteria". */
function interrogativeFirst(words: readonly string[]): readonly string[] {
  const [first = '', topic = '', adverb = '', ...rest] = words
  return adverbs.has(adverb) && rest.length <= 3
    ? [first, adverb, ...rest.slice(0, -1), topic, ...rest.slice(-1)]
    : words
}

/** Turns "quando la biblioteca chiude" into "quando chiude la biblioteca". */
function eventFirst(words: readonly string[]): readonly string[] {
  return words.length === 5 && adverbs.has(words[1] ?? '')
    ? fronted(words, { isMoved: word => events.has(word), isPlace, isBarrier: () => false })
    : words
}

/**
 * Unifies "gli studenti possono" and "possono gli studenti". Not after a question word for a person or thing, which
 * could be either side.
 */
function modalFirst(words: readonly string[]): readonly string[] {
  const isHeld = words.some(word => /^(?:non|chi|che|COSA|WHAT|quant[oaie]|se)$/.test(word))
  const modals = words.filter(word => /^(?:CAN3?|MUST3?|SHOULD)$/.test(word))
  return isHeld || modals.length > 1
    ? words
    : fronted(words, { isMoved: word => modals.includes(word), isPlace, isBarrier })
}

function withTime(words: readonly string[]): readonly string[] {
  return words.some(word => /^(?:apre|chiude)$/.test(word))
    ? words.map(word => (word === 'TIME' ? 'WHEN' : word))
    : words
}

/** With a person these verbs are reflexive: "come si chiama" does not ask how to call. */
const personal =
  /^(?:chiam|sent|comport|difend|present|organizz|prepar|muov|vest|lav|candid|alz|scus|offr|chied|assicur|regist|iscriv|ammal|cur|salv|spos|separ)/
const people =
  /(?:[ae]nt[ei]|tor[ei]|trice|ist[aie]|ier[ei]|ess[ae])$|^(?:medic|avvocat|sindac|padr|madr|figli|professor|signor|presid|cittadin|soc|bambin|ragazz|mogli|marit|fratell|sorell|alliev|alunn|impiegat)/

function isReflexive(verb: string, interrogative: string, subject: string): boolean {
  return personal.test(verb) || (interrogative === 'HOW' && verb.startsWith('trov')) || people.test(subject)
}

/**
 * Unifies "come rinnovo", "come si rinnova" and "come rinnovare": the verb after "how" and "where" loses its person.
 */
function impersonal(words: readonly string[]): readonly string[] {
  const at = words.findIndex(word => word === 'HOW' || word === 'WHERE') + 1
  const [verb = '', next = ''] = words.slice(at)
  if (at === 0) return words
  const own = /^(.{2,})(?:isco|o)$/.exec(verb) ?? /^(.{2,})(?:are|ere|ire)$/.exec(verb)
  if (own) return words.with(at, `${own[1]}~`)
  const oneself = /^(.{2,})(?:arsi|ersi|irsi)$/.exec(verb)
  if (oneself) return words.with(at, `si:${oneself[1]}~`)
  const mine = verb === 'mi' ? /^(.{2,})(?:isco|o)$/.exec(next) : null
  if (mine) return words.toSpliced(at, 2, `si:${mine[1]}~`)
  if (isReflexive(next, words[at - 1] ?? '', words[at + 2] ?? '')) return words
  const ones = verb === 'si' ? /^(.{2,}?)(?:isce|iscono|ano|ono|a|e)$/.exec(next) : null
  return ones ? words.toSpliced(at, 2, `${ones[1]}~`) : words
}

function arrange(words: readonly string[]): readonly string[] {
  const numbered = words.map(word => plurals.get(word) ?? word)
  return impersonal(modalFirst(eventFirst(interrogativeFirst(withTime(numbered)))))
}

const elided: Readonly<Record<string, string>> = {
  l: '',
  un: '',
  d: 'di',
  dell: 'di',
  all: 'a',
  dall: 'da',
  nell: 'in',
  sull: 'su',
  c: 'ci',
  cos: 'cosa',
  dov: 'dove',
  com: 'come',
  quand: 'quando',
  qual: 'qual',
  quest: 'questo',
  quell: 'quello',
  anch: 'anche',
  s: 'si',
  m: 'mi',
  t: 'ti',
  v: 'vi',
  n: 'ne',
  dev: 'deve',
  mezz: 'mezza',
}
/** "perche'", "e'": the accent as typed on keyboards without one. */
const accents: Readonly<Record<string, string>> = { a: 'à', e: 'è', i: 'ì', o: 'ò', u: 'ù' }

function split(word: string): readonly string[] {
  const accented = word.replace(/([aeiou])'$/, (_, letter: string) => accents[letter] ?? letter)
  const parts = /^([a-z]+)'(.+)$/u.exec(accented)
  const first = parts && Object.hasOwn(elided, parts[1] ?? '') ? elided[parts[1] ?? ''] : undefined
  const whole = first === undefined ? [accented] : [first, parts?.[2] ?? '']
  return whole.filter(Boolean).map(each => each.replace(/(?<=.)[éè]$/, 'é'))
}

const titles: ReadonlySet<string> = new Set(
  `professor professore professoressa prof dottor dottore dottoressa dott signor signora sig avvocato
  ingegner via viale piazza corso san santa`.split(/\s+/),
)
/** Pairs that are not forms of each other: "venti" and "vento", "parti" and "parto". */
const whole: ReadonlySet<string> = new Set(
  `dopo sotto sopra contro dietro questo quello quanto quanti prima primo tutto tutti meno almeno massimo
  minimo oggi domani entro verso fino altri altro venti parti arti menti morti fini sole sale vite`.split(/\s+/),
)
/** Shorter words in -e are mostly not plurals: "colle" is a hill, "colla" glue. */
const feminine: ReadonlySet<string> = new Set(
  `tassa tasse multa multe carta carte borsa borse rata rate gara gare quota quote spesa spese data date
  firma firme scheda schede banca banche visita visite prova prove busta buste casa case retta rette mensa mense moda mode`.split(
    /\s+/,
  ),
)

/**
 * Unifies singular and plural of one gender, but not across genders: "tasso" is a rate and "tassa" a tax. "-e" is the
 * plural of "-a", but for people and after many endings the singular of "-i": "signore" is not "signora".
 */
function bare(word: string, preceding: readonly string[]): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word) || whole.has(word) || titles.has(preceding.at(-1) ?? '')) return word
  const neutral = /^(.*(?:on|[ae]nt|or|er|am|es|[aei]bil|[ao]l|il|din|gin))[ei]$/.exec(word)
  if (neutral && word.length > 5) return `${neutral[1]}~i`
  const masculine = /^(.{2,}?)(?:o|i|hi)$/.exec(word.replace(/(zi|fici|ari|ori|udi)o$/, '$1'))
  if (masculine) return `${masculine[1]}~i`
  const other = feminine.has(word) || word.length > 5 ? /^(.{2,}?)(?:a|e|he)$/.exec(word) : null
  return other ? `${other[1]}~e` : word
}

export const italian: Grammar = { split, conditions: new Set(['se']), frames, steps: [words, asked], arrange, bare }
