/**
 * Words by which a question leans on what was said before it: closed classes of each language (pronouns, adverbs,
 * connectives), compared like small talk. Words that are articles as well are left out.
 */

/** They stand for something that was named before. */
export const pointers: Readonly<Record<string, string>> = {
  en: `it its itself this that these those they them their theirs themselves he him his himself she her hers herself
    there then one ones same other others another else previous former latter both either neither`,
  ru: `он его него ему нему им ним нем она ее ей ней нее оно они их них ими ними это этот эта эти этого этому этом этих
    этими эту такой такая такое такие такого там туда тогда тот того тому том тех другой другая другие других
    остальные остальных еще оба обе такому`,
  kk: `ол оны оның оған онда одан онымен олар оларды олардың оларға бұл бұны бұның бұған бұнда бұдан осы осыны осының осында
    сол соны соның сонда содан мұны мұның мұнда басқа басқасы тағы ондай мұндай сондай`,
  vi: `nó chúng đó này ấy kia vậy đấy`,
  it: `esso essa essi esse lui loro ne questo questa questi queste quello quella quelli quelle ciò stesso stessa
    altro altra altri altre lì là suo sua suoi sue`,
  de: `es er ihn ihm dies dieser diese dieses diesen diesem jener jene dort dann damit dafür davon dazu darüber dabei seine
    seiner seinen andere anderen anderer solche dessen deren`,
  fr: `il elle ils elles lui leur leurs ce ceci cela ça cet cette ces celui celle ceux celles là autre autres son sa ses
    même`,
  es: `él ella ellos ellas eso esto ese esa esos esas este esta estos estas aquel aquella ahí allí entonces otro otra otros
    otras su sus mismo misma`,
  pt: `ele ela eles elas isso isto esse essa esses essas este esta estes estas aquele aquela lá aí então outro outra outros
    outras seu sua seus suas dele dela deles delas nisso disso mesmo mesma`,
  tr: `o onu ona onda ondan onun onlar onları onların onlara bu bunu buna bunda bundan bunun bunlar şu şunu orada oraya oradan
    burada böyle öyle diğer diğeri diğerleri başka`,
  uk: `він його нього йому ньому ним вона її їй неї ній воно вони їх них їм ними це цей ця ці цього цьому цих там туди тоді
    той того тих такий така таке такі інший інша інші інших ще`,
  pl: `on jego niego jemu nim ona jej niej nią ono oni one ich nich im nimi ten ta te tego tej tym tych tam wtedy taki taka
    takie inny inna inne innych jeszcze`,
  zh: '它 他 她 这 那 其',
  ja: 'それ これ あれ その この あの そこ そちら 彼 彼女',
  ko: '그것 이것 그 이 저 거기 그거 이거 그들 그녀 그곳',
  ar: 'هو هي هم هذا هذه ذلك تلك هؤلاء هناك ذاك',
  hi: 'वह वे यह ये उस उसे उसका उसकी उसके उन उनका उनकी उनके इस इसका इसकी इसके वहाँ वहां',
}

/** A question that begins so goes on with another one: "and in winter?", "А для магистрантов?". */
export const openers: Readonly<Record<string, string>> = {
  en: 'and|but|or|so|what about|how about|what if|also|then|why|why not|how so|how come|what else|any other|anything else',
  ru: 'а|и|но|или|что насчет|как насчет|почему|зачем|тогда|также|что еще',
  kk: 'ал|және|бірақ|неге|сонда|тағы|немесе',
  vi: 'còn|thế còn|vậy còn|và|nhưng|hay là|thế|vậy|tại sao|vì sao',
  it: 'e|ma|o|oppure|perché|allora|quindi|anche|cos altro',
  de: 'und|aber|oder|was ist mit|wie ist es mit|wie steht es mit|warum|wieso|dann|auch|was noch',
  fr: 'et|mais|ou|qu en est il|pourquoi|alors|aussi|quoi d autre',
  es: 'y|e|pero|o|qué hay de|qué tal|por qué|entonces|también|qué más',
  pt: 'e|mas|ou|que tal|por quê|por que|então|também|o que mais',
  tr: 've|ama|peki|ya|ayrıca|neden|niçin|başka',
  uk: 'а|і|й|та|але|чи|чому|тоді|також|що ще',
  pl: 'a|i|ale|albo|co z|dlaczego|wtedy|także|co jeszcze',
  zh: '那|那么|还有|但是|为什么|而|和',
  ja: 'では|じゃあ|それで|でも|なぜ|また|そして',
  ko: '그럼|그러면|그리고|하지만|왜|또',
  ar: 'وماذا عن|ماذا عن|ولكن|لماذا|أو|ثم',
  hi: 'और|लेकिन|या|तो|क्यों',
}

/** A question that ends so goes on with another one: "Ал докторанттарға ше?", "周末呢？". */
export const closers: Readonly<Record<string, string>> = {
  en: 'too|as well|instead|then|though',
  ru: 'тоже|тогда',
  kk: 'ше',
  vi: 'thì sao|thì|nữa',
  it: 'invece|anche|allora',
  de: 'auch|dann',
  fr: 'aussi|alors',
  es: 'también|entonces',
  pt: 'também|então',
  tr: 'peki|ya',
  uk: 'теж|тоді|також',
  pl: 'też|także|wtedy',
  zh: '呢',
  ar: 'أيضا',
  hi: 'भी',
}
