import { allAnswered, allButBegunStreams, runScenario } from './scenario.ts'
import { paced } from './world.ts'

const whole = paced()

runScenario({
  name: 'the model falls silent after its first token',
  harm: ({ model }) => model.chat.behave(paced({ stallAfterTokens: 1 })),
  heal: ({ model }) => model.chat.behave(whole),
  bar: allButBegunStreams,
  found: { culprit: 'chat', codes: ['chat-stalls'] },
})
runScenario({
  name: 'the model hangs up in the middle of its answer',
  harm: ({ model }) => model.chat.behave(paced({ cutAfterTokens: 9 })),
  heal: ({ model }) => model.chat.behave(whole),
  bar: allButBegunStreams,
  found: { culprit: 'chat', codes: ['chat-breaks-off'] },
})
runScenario({
  name: 'the model replies with garbage',
  harm({ model }) {
    model.chat.behave({ garbage: true })
    model.embeddings.behave({ garbage: true })
  },
  heal({ model }) {
    model.chat.behave(whole)
    model.embeddings.behave({})
  },
  bar: allAnswered,
  found: { culprit: 'chat', codes: ['chat-garbage'] },
})
runScenario({
  name: 'the model sends vectors of another length',
  harm: ({ model }) => model.embeddings.behave({ wrongDimension: true }),
  heal: ({ model }) => model.embeddings.behave({}),
  bar: allAnswered,
  found: { culprit: 'embeddings', codes: ['embeddings-wrong-dimensions'] },
})
