/**
 * What people say besides asking, by language and kind, as it is compared: lower case, without punctuation, accents of
 * Latin letters and Kazakh letters ("xin chào" is found as "xin chao").
 */

export type Kind = 'greeting' | 'thanks' | 'goodbye' | 'fine' | 'wellbeing' | 'identity'

type Lines = Readonly<Record<Kind, string>>

/** Phrases of a kind, separated by "|". */
export const phrases: Readonly<Record<string, Lines>> = {
  en: {
    greeting: `hi|hello|helo|hey|hiya|howdy|greetings|good morning|good afternoon|good evening|good day|i have a question|
      i have a quick question|can you help me|could you help me|i need your help|nice to meet you`,
    thanks: `thanks|thank you|thank u|thx|tnx|many thanks|thanks a lot|thanks so much|thanks very much|thank you so much|
      thank you very much|thank you a lot|much appreciated|thanks for your help|thanks for the help|thank you for your help|
      thanks for the answer|thank you for the answer|thanks for the info|thank you for the information|
      thanks in advance|thank you in advance|i appreciate it|cheers|that helps|that helped|that helps a lot|
      that helped a lot|this helps|this helped|that was helpful|this was helpful|very helpful|that was very helpful`,
    goodbye: `bye|bye bye|goodbye|good bye|see you|see you later|see you soon|good night|have a nice day|have a good day|
      take care|farewell`,
    fine: `alright|all right|got it|i see|understood|great|perfect|awesome|sounds good|very good|oh i see|ok got it`,
    wellbeing: `how are you|how are you doing|how r u|how is it going|hows it going|how do you do|whats up|what is up|sup|
      how are you today`,
    identity: `who are you|what are you|what is your name|whats your name|what can you do|what do you do|are you a bot|
      are you a robot|are you human|are you a human|are you real|who made you|who created you|introduce yourself`,
  },
  ru: {
    greeting: `привет|приветик|приветствую|здравствуйте|здравствуй|здрасте|здрасьте|добрый день|доброе утро|добрый вечер|
      доброго времени суток|доброй ночи|хай|privet|zdravstvuyte|у меня вопрос|у меня есть вопрос|можно вопрос|
      есть вопрос|вы можете мне помочь|можете помочь|помогите мне`,
    thanks: `спасибо|спс|спасибо большое|большое спасибо|огромное спасибо|спасибо вам|спасибо вам большое|благодарю|
      благодарю вас|спасибо за помощь|спасибо за ответ|спасибо за информацию|заранее спасибо|заранее благодарю|
      спасибо заранее|spasibo|премного благодарен|помогло|это помогло|мне помогло|очень помогло|
      вы помогли|вы мне помогли|вы очень помогли|вы мне очень помогли`,
    goodbye: `пока|пока пока|до свидания|досвидания|до встречи|до скорого|всего доброго|всего хорошего|прощайте|
      хорошего дня|спокойной ночи|удачи|poka`,
    fine: `хорошо|понятно|ясно|понял|поняла|все понятно|все ясно|отлично|супер|ладно|договорились|здорово|принято`,
    wellbeing: `как дела|как ваши дела|как твои дела|как вы|как ты|как поживаете|как жизнь|что нового|как настроение`,
    identity: `кто ты|кто вы|ты кто|вы кто|как тебя зовут|как вас зовут|что ты умеешь|что вы умеете|что ты можешь|
      ты бот|вы бот|ты робот|вы робот|ты человек|вы человек`,
  },
  kk: {
    greeting: `сәлем|сәлеметсіз бе|сәлеметсіздер ме|сәлем бердік|ассалаумағалейкум|ассалаумағалейкүм|қайырлы таң|
      қайырлы күн|қайырлы кеш|сұрағым бар|менде сұрақ бар|көмектесе аласыз ба`,
    thanks: `рахмет|рақмет|көп рахмет|үлкен рахмет|рахмет сізге|сізге рахмет|көп рахмет сізге|алғыс айтамын|
      жауабыңызға рахмет|көмегіңізге рахмет|алдын ала рахмет|rahmet|raqmet|көмектесті|бұл көмектесті|көп көмектестіңіз`,
    goodbye: `сау болыңыз|сау бол|сау болыңыздар|қош болыңыз|қош бол|көріскенше|кездескенше|қайырлы түн|жақсы күн тілеймін`,
    fine: `жақсы|жарайды|түсінікті|түсіндім|керемет|болды`,
    wellbeing: `қалайсыз|қалайсың|қалыңыз қалай|қалың қалай|жағдайыңыз қалай|жағдай қалай|халіңіз қалай|қал қалай`,
    identity: `сен кімсің|сіз кімсіз|кімсің|кімсіз|атың кім|атыңыз кім|есімің кім|сен не істей аласың|сіз не істей аласыз`,
  },
  vi: {
    greeting: `xin chào|chào|chào bạn|chào anh|chào chị|chào em|chào các bạn|chào buổi sáng|chào buổi tối|xin chào bạn|
      kính chào|alo|cho tôi hỏi|cho mình hỏi|cho em hỏi|tôi có câu hỏi|tôi có một câu hỏi|bạn có thể giúp tôi không`,
    thanks: `cảm ơn|cám ơn|cảm ơn bạn|cám ơn bạn|cảm ơn nhiều|cảm ơn bạn nhiều|cám ơn nhiều|xin cảm ơn|xin cám ơn|
      cảm ơn rất nhiều|chân thành cảm ơn|em cảm ơn|cảm ơn ạ|cảm ơn anh|cảm ơn chị|cảm ơn trước|rất hữu ích|thật hữu ích|hữu ích quá`,
    goodbye: `tạm biệt|chào tạm biệt|hẹn gặp lại|bai bai|chúc ngủ ngon|chúc một ngày tốt lành`,
    fine: `vâng ạ|được rồi|hiểu rồi|tôi hiểu rồi|tốt lắm|tuyệt vời|tuyệt`,
    wellbeing: `bạn khỏe không|bạn có khỏe không|bạn thế nào|bạn khoẻ không|dạo này thế nào`,
    identity: `bạn là ai|bạn tên gì|bạn tên là gì|tên bạn là gì|bạn có thể làm gì|bạn làm được gì|bạn là robot à|bạn là bot à`,
  },
  it: {
    greeting: `ciao|salve|buongiorno|buon giorno|buonasera|buona sera|buon pomeriggio|ho una domanda|avrei una domanda|
      mi puoi aiutare|mi può aiutare|puoi aiutarmi`,
    thanks: `grazie|grazie mille|mille grazie|molte grazie|tante grazie|grazie tante|grazie infinite|ti ringrazio|
      la ringrazio|vi ringrazio|grazie in anticipo|grazie per l'aiuto|grazie per la risposta|molto utile|
      mi è stato utile|mi è stato di aiuto|mi ha aiutato|mi hai aiutato`,
    goodbye: `arrivederci|addio|a presto|a dopo|alla prossima|buona notte|buonanotte|buona giornata|ciao ciao`,
    fine: `va bene|d'accordo|capito|ho capito|perfetto|ottimo|benissimo|chiaro`,
    wellbeing: `come stai|come sta|come va|tutto bene`,
    identity: `chi sei|chi siete|come ti chiami|cosa sai fare|che cosa sai fare|cosa puoi fare|sei un bot|sei un robot|
      sei umano`,
  },
  de: {
    greeting: `hallo|guten tag|guten morgen|guten abend|moin|moin moin|servus|grüß gott|grüezi|grüß dich|ich habe eine frage|
      ich hätte eine frage|kannst du mir helfen|können sie mir helfen|sehr geehrte damen und herren`,
    thanks: `danke|danke schön|dankeschön|danke sehr|vielen dank|besten dank|herzlichen dank|tausend dank|ich danke dir|
      ich danke ihnen|danke im voraus|vielen dank im voraus|danke für die hilfe|danke für die antwort|
      vielen dank für die hilfe|das hilft|das hilft mir|das hat geholfen|das hat mir geholfen|sehr hilfreich|
      das war hilfreich|das war sehr hilfreich`,
    goodbye: `tschüss|tschüs|auf wiedersehen|bis bald|bis dann|bis später|gute nacht|schönen tag|schönen tag noch|
      mit freundlichen grüßen|viele grüße`,
    fine: `alles klar|verstanden|in ordnung|einverstanden|prima|super|toll|sehr gut`,
    wellbeing: `wie geht es dir|wie geht es ihnen|wie gehts|wie geht's|wie gehts dir|wie läufts`,
    identity: `wer bist du|wer sind sie|wie heißt du|wie heißen sie|was kannst du|was können sie|bist du ein bot|
      bist du ein roboter|bist du ein mensch`,
  },
  fr: {
    greeting: `bonjour|bonsoir|salut|coucou|bonjour à tous|j'ai une question|j'aurais une question|pouvez-vous m'aider|
      peux-tu m'aider`,
    thanks: `merci|merci beaucoup|merci bien|mille mercis|un grand merci|je vous remercie|je te remercie|
      merci d'avance|merci par avance|merci pour votre aide|merci pour votre réponse|merci pour ton aide|
      ça m'aide|ça m'aide beaucoup|ça m'a aidé|ça m'a beaucoup aidé|très utile|c'est très utile`,
    goodbye: `au revoir|à bientôt|à plus|à plus tard|à la prochaine|bonne journée|bonne soirée|bonne nuit|adieu|cordialement`,
    fine: `d'accord|très bien|entendu|compris|j'ai compris|parfait|génial|super`,
    wellbeing: `comment ça va|ça va|comment allez-vous|comment vas-tu|tu vas bien|vous allez bien`,
    identity: `qui es-tu|qui êtes-vous|tu es qui|vous êtes qui|comment tu t'appelles|comment t'appelles-tu|
      comment vous appelez-vous|que sais-tu faire|que peux-tu faire|que pouvez-vous faire|es-tu un robot|êtes-vous un robot`,
  },
  es: {
    greeting: `hola|buenos días|buenas tardes|buenas noches|buenas|buen día|tengo una pregunta|tengo una duda|
      me puedes ayudar|puedes ayudarme|me puede ayudar`,
    thanks: `gracias|muchas gracias|mil gracias|muchísimas gracias|te lo agradezco|se lo agradezco|
      gracias de antemano|gracias por la ayuda|gracias por tu ayuda|gracias por su ayuda|gracias por la respuesta|
      me ayudó|me ayudó mucho|me ha ayudado|me ha ayudado mucho|muy útil|me fue muy útil`,
    goodbye: `adiós|hasta luego|hasta pronto|hasta mañana|nos vemos|chao|que tengas un buen día|saludos`,
    fine: `vale|de acuerdo|entendido|entiendo|perfecto|muy bien|genial|está bien`,
    wellbeing: `cómo estás|cómo está|qué tal|cómo te va|cómo le va|todo bien`,
    identity: `quién eres|quién es usted|cómo te llamas|cómo se llama usted|qué sabes hacer|qué puedes hacer|eres un bot|
      eres un robot|eres humano`,
  },
  pt: {
    greeting: `olá|oi|bom dia|boa tarde|boa noite|tenho uma pergunta|tenho uma dúvida|pode me ajudar|podes ajudar-me|
      você pode me ajudar`,
    thanks: `obrigado|obrigada|muito obrigado|muito obrigada|obrigado pela ajuda|obrigada pela ajuda|agradeço|valeu|
      obrigado desde já|desde já agradeço|brigado|brigada|ajudou|ajudou muito|me ajudou|me ajudou muito|muito útil`,
    goodbye: `tchau|adeus|até logo|até breve|até mais|até amanhã|tenha um bom dia`,
    fine: `tudo bem|está bem|certo|entendi|entendido|perfeito|ótimo|beleza|muito bem`,
    wellbeing: `como vai|como está|como você está|como vai você|como estás`,
    identity: `quem é você|quem és tu|qual é o seu nome|qual é o teu nome|o que você sabe fazer|o que você pode fazer|
      você é um robô|você é um bot`,
  },
  tr: {
    greeting: `merhaba|merhabalar|selam|selamlar|selamün aleyküm|günaydın|iyi günler|iyi akşamlar|bir sorum var|
      bana yardım edebilir misiniz|yardım eder misiniz`,
    thanks: `teşekkürler|teşekkür ederim|çok teşekkürler|çok teşekkür ederim|sağ ol|sağ olun|sağol|sağolun|
      şimdiden teşekkürler|çok sağ olun|yardımınız için teşekkürler|eyvallah|çok yardımcı oldu|yardımcı oldunuz|
      çok yardımcı oldunuz|işime yaradı`,
    goodbye: `hoşça kal|hoşça kalın|hoşçakal|güle güle|görüşürüz|görüşmek üzere|iyi geceler|kendine iyi bak|bay bay`,
    fine: `tamam|peki|anladım|anlaşıldı|harika|süper|çok iyi|çok güzel`,
    wellbeing: `nasılsın|nasılsınız|naber|ne haber|nasıl gidiyor|iyi misin`,
    identity: `sen kimsin|kimsin|siz kimsiniz|adın ne|adınız ne|ne yapabilirsin|neler yapabilirsin|sen bir bot musun|
      sen robot musun`,
  },
  uk: {
    greeting: `привіт|вітаю|добрий день|доброго дня|добрий ранок|доброго ранку|добрий вечір|доброго вечора|здрастуйте|
      здоровенькі були|у мене питання|у мене є питання|маю питання|ви можете мені допомогти`,
    thanks: `дякую|щиро дякую|дуже дякую|дякую вам|дякую за допомогу|дякую за відповідь|спасибі|вдячний|вдячна|
      велике дякую|наперед дякую|допомогло|це допомогло|дуже допомогло|ви допомогли|ви мені допомогли`,
    goodbye: `до побачення|бувай|бувайте|до зустрічі|на все добре|гарного дня|на добраніч|папа`,
    fine: `добре|гаразд|зрозуміло|зрозумів|зрозуміла|чудово|ясно`,
    wellbeing: `як справи|як ваші справи|як твої справи|як ся маєш|як ви|як ти`,
    identity: `хто ти|хто ви|ти хто|як тебе звати|як вас звати|що ти вмієш|що ви вмієте|ти бот|ви бот|ти робот`,
  },
  pl: {
    greeting: `cześć|hej|dzień dobry|dobry wieczór|witam|witaj|siema|mam pytanie|czy możesz mi pomóc|
      czy może mi pan pomóc|czy może mi pani pomóc`,
    thanks: `dziękuję|dzięki|dziękuję bardzo|bardzo dziękuję|wielkie dzięki|dziękuję za pomoc|dziękuję za odpowiedź|
      z góry dziękuję|dzięki za pomoc|pomogło|to pomogło|bardzo pomogło|bardzo pomocne|to było pomocne`,
    goodbye: `do widzenia|na razie|pa pa|do zobaczenia|dobranoc|miłego dnia|żegnaj|pozdrawiam`,
    fine: `dobrze|w porządku|rozumiem|zrozumiałem|zrozumiałam|jasne|świetnie|super|doskonale`,
    wellbeing: `jak się masz|co słychać|jak leci|jak się pan ma|jak się pani ma|co tam`,
    identity: `kim jesteś|kto ty jesteś|jak masz na imię|jak się nazywasz|co potrafisz|co umiesz|jesteś botem|
      czy jesteś botem|jesteś robotem|czy jesteś człowiekiem`,
  },
  zh: {
    greeting: `你好|您好|你们好|大家好|早上好|上午好|下午好|晚上好|嗨|哈喽|我有一个问题|我有个问题|你能帮我吗|可以帮我吗`,
    thanks: `谢谢|谢谢你|谢谢您|多谢|非常感谢|感谢|十分感谢|谢谢啦|太感谢了|谢谢你的帮助|谢谢您的帮助`,
    goodbye: `再见|拜拜|晚安|回头见|下次见|祝你愉快`,
    fine: `好的|好|明白|明白了|知道了|我知道了|了解|太好了|没问题|可以`,
    wellbeing: `你好吗|您好吗|你怎么样|最近怎么样|最近好吗`,
    identity: `你是谁|您是谁|你叫什么|你叫什么名字|你能做什么|你会做什么|你是机器人吗|你是人吗`,
  },
  ja: {
    greeting: `こんにちは|こんにちわ|こんばんは|おはよう|おはようございます|はじめまして|やあ|質問があります|
      助けてください|お世話になっております|お世話になります`,
    thanks: `ありがとう|ありがとうございます|ありがとうございました|どうもありがとう|どうもありがとうございます|
      感謝します|助かりました|よろしくお願いします|よろしくお願いいたします`,
    goodbye: `さようなら|さよなら|バイバイ|またね|それではまた|おやすみ|おやすみなさい|失礼します`,
    fine: `わかりました|分かりました|了解|了解です|了解しました|承知しました|なるほど|いいですね|大丈夫です`,
    wellbeing: `元気ですか|お元気ですか|調子はどうですか`,
    identity: `あなたは誰ですか|誰ですか|お名前は|名前は何ですか|何ができますか|あなたはロボットですか`,
  },
  ko: {
    greeting: `안녕|안녕하세요|안녕하십니까|여보세요|반갑습니다|질문이 있습니다|질문 있어요|도와주세요`,
    thanks: `감사합니다|감사해요|고맙습니다|고마워요|고마워|정말 감사합니다|대단히 감사합니다|미리 감사합니다`,
    goodbye: `안녕히 계세요|안녕히 가세요|잘 가|잘 있어|잘 자|안녕히 주무세요|수고하세요|좋은 하루 되세요`,
    fine: `알겠습니다|알겠어요|알았어|알았어요|그렇군요|좋아요|좋습니다|괜찮아요`,
    wellbeing: `잘 지내세요|잘 지내|어떻게 지내세요|어떻게 지내`,
    identity: `누구세요|당신은 누구입니까|넌 누구야|너는 누구야|이름이 뭐예요|이름이 뭐야|뭘 할 수 있어요|로봇이에요`,
  },
  ar: {
    greeting: `مرحبا|مرحباً|أهلا|أهلاً|أهلا وسهلا|السلام عليكم|السلام عليكم ورحمة الله|السلام عليكم ورحمة الله وبركاته|
      صباح الخير|مساء الخير|هلا|لدي سؤال|عندي سؤال|هل يمكنك مساعدتي`,
    thanks: `شكرا|شكراً|شكرا لك|شكرا جزيلا|شكراً جزيلاً|شكرا لكم|ألف شكر|جزاك الله خيرا|أشكرك|مشكور|شكرا مقدما|
      شكرا على المساعدة`,
    goodbye: `مع السلامة|وداعا|إلى اللقاء|أراك لاحقا|تصبح على خير|في أمان الله|يوم سعيد`,
    fine: `حسنا|حسناً|تمام|فهمت|ممتاز|رائع|طيب`,
    wellbeing: `كيف حالك|كيف حالكم|كيفك|كيف الحال|ما أخبارك`,
    identity: `من أنت|من انت|مين انت|ما اسمك|ما هو اسمك|ماذا يمكنك أن تفعل|ماذا تستطيع أن تفعل|هل أنت روبوت`,
  },
  hi: {
    greeting: `नमस्ते|नमस्कार|हैलो|हेलो|हाय|सुप्रभात|शुभ संध्या|प्रणाम|मेरा एक सवाल है|क्या आप मेरी मदद कर सकते हैं|namaste`,
    thanks: `धन्यवाद|बहुत धन्यवाद|बहुत बहुत धन्यवाद|आपका धन्यवाद|शुक्रिया|बहुत शुक्रिया|बहुत बहुत शुक्रिया|थैंक यू|
      थैंक्स|आभार|dhanyavad|shukriya`,
    goodbye: `अलविदा|फिर मिलेंगे|शुभ रात्रि|बाय`,
    fine: `ठीक है|अच्छा|समझ गया|समझ गई|बहुत अच्छा|बढ़िया`,
    wellbeing: `आप कैसे हैं|कैसे हो|कैसे हैं आप|क्या हाल है|तुम कैसे हो`,
    identity: `आप कौन हैं|तुम कौन हो|आपका नाम क्या है|तुम्हारा नाम क्या है|आप क्या कर सकते हैं|क्या आप रोबोट हैं`,
  },
}

/** Whom a greeting is said to; alone they are no small talk. */
export const addressees = `there|all|everyone|everybody|folks|guys|team|friend|friends|sir|madam|bot|assistant|dear sir or
  madam|and|again|mate|dear|всем|друзья|коллеги|уважаемые коллеги|и|еще раз|бот|та|баршаңызға|достар|tất cả mọi người|
  mọi người|bạn ơi|ad|admin|shop|ạ|nhé|và|a tutti|tutti|ragazzi|e|an alle|zusammen|alle|und|à tous|tout le monde|
  madame|monsieur|et|a todos|todos|amigos|y|pessoal|herkese|arkadaşlar|ve|всім|усім|та|wszystkim|państwu|i|大家|さん|
  여러분|جميعا|يا|و|सभी|जी|और`

/** What an answer to nothing but such a sign is. */
export const signs: Readonly<Record<string, Kind>> = {
  '👍': 'fine',
  '👌': 'fine',
  '✅': 'fine',
  '🙂': 'fine',
  '😊': 'fine',
  '😀': 'fine',
  '👋': 'greeting',
  '🙏': 'thanks',
  '❤': 'thanks',
  '🎉': 'thanks',
}

/** What is replied, by language and kind. */
export const replies: Readonly<Record<string, Lines>> = {
  en: {
    greeting: 'Hello! What would you like to know from the documents?',
    thanks: "You're welcome! If anything else comes up, just ask.",
    goodbye: 'Goodbye! Come back whenever you have a question.',
    fine: 'Good. If anything else comes up, just ask.',
    wellbeing: 'All is well, thank you. What would you like to know from the documents?',
    identity:
      'I answer questions from the documents I was given, and say where each answer stands. What would you like to know?',
  },
  ru: {
    greeting: 'Здравствуйте! Что вы хотите узнать из документов?',
    thanks: 'Пожалуйста! Если появятся вопросы, спрашивайте.',
    goodbye: 'До свидания! Возвращайтесь, когда появятся вопросы.',
    fine: 'Хорошо. Если появятся вопросы, спрашивайте.',
    wellbeing: 'Спасибо, всё хорошо. Что вы хотите узнать из документов?',
    identity: 'Я отвечаю на вопросы по загруженным документам и указываю, откуда взят ответ. Что вы хотите узнать?',
  },
  kk: {
    greeting: 'Сәлеметсіз бе! Құжаттардан не білгіңіз келеді?',
    thanks: 'Оқасы жоқ! Тағы сұрағыңыз болса, қойыңыз.',
    goodbye: 'Сау болыңыз! Сұрағыңыз болса, қайта келіңіз.',
    fine: 'Жақсы. Тағы сұрағыңыз болса, қойыңыз.',
    wellbeing: 'Рахмет, бәрі жақсы. Құжаттардан не білгіңіз келеді?',
    identity:
      'Мен жүктелген құжаттар бойынша сұрақтарға жауап беремін және жауаптың қайдан алынғанын көрсетемін. Не білгіңіз келеді?',
  },
  vi: {
    greeting: 'Xin chào! Bạn muốn tìm hiểu điều gì trong tài liệu?',
    thanks: 'Không có gì! Nếu còn câu hỏi, bạn cứ hỏi nhé.',
    goodbye: 'Tạm biệt! Hãy quay lại khi bạn có câu hỏi.',
    fine: 'Vâng. Nếu còn câu hỏi, bạn cứ hỏi nhé.',
    wellbeing: 'Cảm ơn, mọi việc đều tốt. Bạn muốn tìm hiểu điều gì trong tài liệu?',
    identity:
      'Tôi trả lời câu hỏi dựa trên các tài liệu đã được nạp và cho biết câu trả lời nằm ở đâu. Bạn muốn biết điều gì?',
  },
  it: {
    greeting: 'Ciao! Che cosa vuoi sapere dai documenti?',
    thanks: 'Prego! Per qualsiasi altra domanda, sono qui.',
    goodbye: 'Arrivederci! A presto, per qualsiasi domanda.',
    fine: 'Bene. Per qualsiasi altra domanda, sono qui.',
    wellbeing: 'Tutto bene, grazie. Che cosa vuoi sapere dai documenti?',
    identity:
      'Rispondo alle domande in base ai documenti caricati e indico da dove viene ogni risposta. Che cosa vuoi sapere?',
  },
  de: {
    greeting: 'Hallo! Was möchten Sie aus den Dokumenten wissen?',
    thanks: 'Gern geschehen! Bei weiteren Fragen bin ich da.',
    goodbye: 'Auf Wiedersehen! Bei Fragen bin ich wieder da.',
    fine: 'Gut. Bei weiteren Fragen bin ich da.',
    wellbeing: 'Danke, alles bestens. Was möchten Sie aus den Dokumenten wissen?',
    identity:
      'Ich beantworte Fragen aus den geladenen Dokumenten und nenne zu jeder Antwort die Stelle. Was möchten Sie wissen?',
  },
  fr: {
    greeting: 'Bonjour ! Que souhaitez-vous savoir dans les documents ?',
    thanks: "Je vous en prie ! N'hésitez pas à poser d'autres questions.",
    goodbye: 'Au revoir ! Revenez quand vous aurez une question.',
    fine: "Bien. N'hésitez pas à poser d'autres questions.",
    wellbeing: 'Tout va bien, merci. Que souhaitez-vous savoir dans les documents ?',
    identity:
      "Je réponds aux questions à partir des documents chargés et j'indique d'où vient chaque réponse. Que souhaitez-vous savoir ?",
  },
  es: {
    greeting: '¡Hola! ¿Qué quiere saber de los documentos?',
    thanks: '¡De nada! Si tiene otra pregunta, aquí estoy.',
    goodbye: '¡Hasta luego! Vuelva cuando tenga una pregunta.',
    fine: 'Bien. Si tiene otra pregunta, aquí estoy.',
    wellbeing: 'Todo bien, gracias. ¿Qué quiere saber de los documentos?',
    identity:
      'Respondo preguntas a partir de los documentos cargados e indico de dónde sale cada respuesta. ¿Qué quiere saber?',
  },
  pt: {
    greeting: 'Olá! O que deseja saber dos documentos?',
    thanks: 'De nada! Se tiver outra pergunta, é só perguntar.',
    goodbye: 'Até logo! Volte quando tiver uma pergunta.',
    fine: 'Certo. Se tiver outra pergunta, é só perguntar.',
    wellbeing: 'Tudo bem, obrigado. O que deseja saber dos documentos?',
    identity:
      'Respondo a perguntas com base nos documentos carregados e indico de onde vem cada resposta. O que deseja saber?',
  },
  tr: {
    greeting: 'Merhaba! Belgelerden ne öğrenmek istersiniz?',
    thanks: 'Rica ederim! Başka bir sorunuz olursa sorabilirsiniz.',
    goodbye: 'Görüşmek üzere! Sorunuz olduğunda yine bekleriz.',
    fine: 'Tamam. Başka bir sorunuz olursa sorabilirsiniz.',
    wellbeing: 'Teşekkürler, her şey yolunda. Belgelerden ne öğrenmek istersiniz?',
    identity:
      'Yüklenen belgelere dayanarak soruları yanıtlarım ve yanıtın nereden geldiğini gösteririm. Ne öğrenmek istersiniz?',
  },
  uk: {
    greeting: 'Вітаю! Що ви хочете дізнатися з документів?',
    thanks: 'Прошу! Якщо виникнуть питання, запитуйте.',
    goodbye: 'До побачення! Повертайтеся, коли виникнуть питання.',
    fine: 'Добре. Якщо виникнуть питання, запитуйте.',
    wellbeing: 'Дякую, усе добре. Що ви хочете дізнатися з документів?',
    identity:
      'Я відповідаю на питання за завантаженими документами й указую, звідки взято відповідь. Що ви хочете дізнатися?',
  },
  pl: {
    greeting: 'Dzień dobry! Czego chcesz się dowiedzieć z dokumentów?',
    thanks: 'Proszę bardzo! W razie pytań jestem do dyspozycji.',
    goodbye: 'Do widzenia! Wróć, gdy pojawi się pytanie.',
    fine: 'Dobrze. W razie pytań jestem do dyspozycji.',
    wellbeing: 'Wszystko dobrze, dziękuję. Czego chcesz się dowiedzieć z dokumentów?',
    identity:
      'Odpowiadam na pytania na podstawie wczytanych dokumentów i wskazuję źródło każdej odpowiedzi. Czego chcesz się dowiedzieć?',
  },
  zh: {
    greeting: '您好！您想从文档中了解什么？',
    thanks: '不客气！有其他问题随时问我。',
    goodbye: '再见！有问题随时再来。',
    fine: '好的。有其他问题随时问我。',
    wellbeing: '一切都好，谢谢。您想从文档中了解什么？',
    identity: '我根据已载入的文档回答问题，并注明答案的出处。您想了解什么？',
  },
  ja: {
    greeting: 'こんにちは。文書について何をお知りになりたいですか？',
    thanks: 'どういたしまして。ほかにもご質問があればどうぞ。',
    goodbye: 'さようなら。ご質問があればまたどうぞ。',
    fine: 'わかりました。ほかにもご質問があればどうぞ。',
    wellbeing: 'おかげさまで元気です。文書について何をお知りになりたいですか？',
    identity: '読み込まれた文書をもとに質問に答え、答えの出典を示します。何をお知りになりたいですか？',
  },
  ko: {
    greeting: '안녕하세요! 문서에서 무엇을 알고 싶으신가요?',
    thanks: '천만에요! 다른 질문이 있으면 언제든지 물어보세요.',
    goodbye: '안녕히 가세요! 질문이 있으면 다시 찾아 주세요.',
    fine: '네. 다른 질문이 있으면 언제든지 물어보세요.',
    wellbeing: '잘 지내고 있습니다. 문서에서 무엇을 알고 싶으신가요?',
    identity: '저는 불러온 문서를 바탕으로 질문에 답하고 답의 출처를 알려 드립니다. 무엇을 알고 싶으신가요?',
  },
  ar: {
    greeting: 'مرحبًا! ماذا تود أن تعرف من المستندات؟',
    thanks: 'على الرحب والسعة! إن كان لديك سؤال آخر فاسأل.',
    goodbye: 'إلى اللقاء! عد متى كان لديك سؤال.',
    fine: 'حسنًا. إن كان لديك سؤال آخر فاسأل.',
    wellbeing: 'كل شيء بخير، شكرًا. ماذا تود أن تعرف من المستندات؟',
    identity: 'أجيب عن الأسئلة من المستندات المحمّلة وأذكر موضع كل إجابة. ماذا تود أن تعرف؟',
  },
  hi: {
    greeting: 'नमस्ते! आप दस्तावेज़ों से क्या जानना चाहते हैं?',
    thanks: 'आपका स्वागत है! कोई और सवाल हो तो पूछिए।',
    goodbye: 'अलविदा! कोई सवाल हो तो फिर आइए।',
    fine: 'ठीक है। कोई और सवाल हो तो पूछिए।',
    wellbeing: 'सब ठीक है, धन्यवाद। आप दस्तावेज़ों से क्या जानना चाहते हैं?',
    identity: 'मैं लोड किए गए दस्तावेज़ों के आधार पर सवालों के जवाब देता हूँ और बताता हूँ कि जवाब कहाँ से है। आप क्या जानना चाहते हैं?',
  },
}

/** Said in all of these languages. */
export const everywhere = `ok|okay|okey|oki|ок|окей|о кей`
