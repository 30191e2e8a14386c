/**
 * Function and question words: words a question can drop without changing what it asks. BM25 does not need them (idf
 * makes them weightless); they identify the *content* words of a question.
 *
 * Negations ("not", "не", "không") are deliberately left out: they change what is asked. ("ней" is too: its stem is
 * "не".)
 */
const lists: Readonly<Record<string, string>> = {
  en: `a an the this that these those some any each every such and or but if then else than so because while as of
    at by for with about against between into through during before after above below to from up down in out on off
    over under again further once i me my mine we our ours you your yours he him his she her hers it its they them
    their theirs myself yourself itself themselves who whom whose which what when where why how is am are was were
    be been being have has had having do does did doing done will would shall should can could may might must
    there here also too very just only own same other both all most more few much many get got let please tell
    explain describe say says im ive id youre dont doesnt didnt`,
  ru: `и в во на с со к ко о об обо от до из изо у за по под подо над при про для без через между перед а но да
    или либо что чтобы как так то же ли бы б если когда пока где куда откуда зачем почему отчего кто кого кому кем
    ком чего чему чем чём какой какая какое какие какого какому каким каком каких какими какую который которая
    которое которые которого которому которым котором которых сколько чей чья чьё чьи я меня мне мной мы нас нам
    нами ты тебя тебе тобой вы вас вам вами он его ему им нём она её ей ею них ними они их это этот эта эти
    этого этому этом этих этими эту тот та те того тому том тех теми ту весь вся всё все всех всем всего себя себе
    свой своя своё свои своего своих своей мой моя моё мои ваш ваша ваши наш наша наши быть был была было были
    будет будут есть является являются можно может могут могу мочь нужно надо ещё уже только лишь также тоже очень
    там тут здесь вот ну ведь из-за какова каков каковы расскажи скажите подскажите пожалуйста гласит говорится сказано`,
  kk: `мен сен сіз ол біз олар менің сенің сіздің оның біздің олардың маған саған сізге оған бізге бұл осы сол мына
    анау және мен бен пен да де та те ма ме ба бе па пе ғана үшін туралы дейін кейін бойынша арқылы сияқты қандай
    қай қайда қайдан қашан қалай қанша неше не неге кім кімнің кімге немен нені емес пе еді болды болады болып бол
    болған бар болса керек мүмкін деген деп егер немесе ал әрі бірақ өйткені сондай тағы өз өзі барлық бір әр`,
  vi: `là của có và các những một này đó kia ấy đây cho với để trong ngoài trên dưới tại ở từ đến về bởi do vì nếu
    thì mà như nào gì ai đâu sao bao nhiêu mấy khi lúc thế ra vào được bị đã đang sẽ vẫn cũng rất thì hay hoặc
    nhưng nên theo qua lại tôi bạn anh chị em ông bà chúng họ nó mình cái con chiếc hãy xin vui lòng à ạ nhé phải`,
  it: `il lo la i gli le l un uno una e ed o od ma se che chi cui di a da in con su per tra fra del dello della
    dei degli delle al allo alla ai agli alle dal dallo dalla dai dagli dalle nel nello nella nei negli nelle sul
    sullo sulla sui sugli sulle col come quando dove perché quale quali quanto quanta quanti quante cosa cos quello
    quella quelli quelle questo questa questi queste io tu lui lei noi voi loro mi ti ci vi si ne mio mia miei mie
    tuo tua suo sua suoi sue nostro vostro è sono sei siamo siete era erano essere stato stata ho hai ha abbiamo
    avete hanno avere può possono posso puoi deve devono devo c anche più molto qual dov com quest`,
  de: `der die das den dem des ein eine einen einem einer eines und oder aber wenn dann als wie so dass daß weil ob
    in im an am auf aus bei beim mit nach von vom zu zum zur für über unter durch gegen ohne um bis seit während vor
    hinter neben zwischen ich mich mir du dich dir er ihn ihm sie ihr ihnen es wir uns euch mein meine dein sein
    seine ihre ihren unser euer dieser diese dieses diesem diesen jener jede jeder jedes welche welcher welches
    welchen welchem wer wen wem wessen was wann wo wohin woher warum wieso weshalb wieviel viele ist sind war waren
    bin bist sein gewesen hat haben hatte hatten habe werden wird wurde wurden kann können konnte muss müssen darf
    soll sollen will mag man auch noch nur schon sehr hier da dort bitte sich`,
  fr: `le la les l un une des du de d au aux et ou mais si que qu qui quoi dont où quand comment pourquoi combien
    quel quelle quels quelles lequel laquelle lesquels à en dans par pour avec sans sous sur entre vers chez depuis
    pendant avant après comme je j me m moi tu te t toi il elle on nous vous ils elles se s lui leur leurs eux ce c
    cet cette ces cela ça mon ma mes ton ta tes son sa ses notre nos votre vos est sont suis es sommes êtes était
    étaient être été ai as a avons avez ont avoir avait peut peuvent puis peux doit doivent faut y aussi plus très
    bien ici là quelque chaque tout toute tous toutes estce cest`,
  es: `el la los las lo un una unos unas y e o u pero si que quien quienes cual cuales qué quién quiénes cuál cuáles
    cuándo cuando dónde donde adónde cómo como cuánto cuánta cuántos cuántas cuanto por porque para con sin sobre
    entre hasta desde de del a al en ante bajo tras según yo me mí tú te ti él ella ello nosotros vosotros ellos
    ellas se le les nos os mi mis tu tus su sus nuestro nuestra vuestro este esta estos estas ese esa esos esas
    aquel aquella eso esto es son soy eres somos era eran ser fue fueron estar está están ha han he hay haber había
    tiene tienen puede pueden puedo debe deben más muy también ya`,
  pt: `o a os as um uma uns umas e ou mas se que quem qual quais quando onde como quanto quanta quantos quantas por
    porque para com sem sobre entre até desde de do da dos das em no na nos nas ao aos à às num numa pelo pela eu me
    mim tu te ele ela nós vós eles elas lhe lhes meu minha seu sua seus suas nosso nossa este esta estes estas esse
    essa isso isto aquele aquela é são sou era eram ser foi foram estar está estão há ter tem têm pode podem posso
    deve devem mais muito também já`,
  uk: `і й та в у на з із зі до від за по під над при про для без через між перед а але чи або що щоб як так то ж же
    би б якщо коли поки де куди звідки навіщо чому хто кого кому ким який яка яке які якого якому яким яких скільки
    чий я мене мені ми нас нам ти тебе ви вас вам він його йому вона її їй вони їх це цей ця ці цього той та те ті
    того весь вся все всі себе свій мій ваш наш бути був була було були буде є можна може потрібно треба ще вже
    тільки також дуже там тут ось`,
  tr: `ve veya ya da de ile için gibi kadar göre ama fakat ancak çünkü eğer ki bu şu o bir ben sen biz siz onlar
    bana sana bize benim senin onun bizim sizin ne neden niçin niye nasıl nerede nereye nereden kim kimin kime
    hangi kaç zaman mı mi mu mü midir mıdır dir dır var olan olarak oldu olur çok daha en her`,
  zh: `的 了 是 在 和 与 或 吗 呢 吧 啊 么 我 你 您 他 她 它 们 我们 你们 他们 这 那 哪 这个 那个 哪个 哪些 哪里 哪儿
    什么 怎么 怎样 如何 为什么 为何 何时 谁 几 多少 可以 能 会 有 就 也 都 要 把 被 对 从 到 请 请问 我想 想 及 以及 之 其 怎么样`,
  ja: `の は が を に へ と で も や か から まで より です ます でし た だ て し する さ れ いる ある ない こと これ
    それ あれ どれ この その あの どの ここ そこ どこ なに 何 いつ 誰 だれ どう なぜ いくつ いくら どの どんな ください`,
}

/** Stop words of a language as written; empty for a language without a list. */
export function stopWords(language: string): readonly string[] {
  return lists[language]?.split(/\s+/) ?? []
}

/** The languages that have a list. */
export const stopWordLanguages: readonly string[] = Object.keys(lists)
