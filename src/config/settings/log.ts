import { oneOf, onOff, setting } from '../kinds.ts'

export const logSettings = {
  logLevel: setting(
    'LOG_LEVEL',
    'info',
    'Minimum level of log lines.',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  ),
  logQuestions: setting('LOG_QUESTIONS', 'off', 'Write question texts to the log.', onOff),
} as const
