import t from 'tap'
import { saslPrepared } from '../../../../src/adapters/postgres/saslprep.ts'

/** Expected results are those with which Postgres accepted the password. */

t.test('a password is prepared as Postgres prepares it', async t => {
  for (const [password, expected] of [
    ['a\tb', 'a\tb'],
    ['a\u00a0b', 'a b'],
    ['a\u00adb', 'ab'],
    ['e\u0301', '\u00e9'],
    ['\ufb01', 'fi'],
    ['\u05e9\ufb2a', '\u05e9\u05e9\u05c1'],
  ] as const)
    t.equal(saslPrepared(password), expected, encodeURIComponent(password))
})

t.test('a password that SASLprep does not allow is used as it is', async t => {
  for (const password of [
    '\u{1f600}e\u0301',
    '\u{1f468}\u200d\u{1f469}',
    '\u32ff',
    '\u00ad',
    'a\u0007\ufb01',
    'a\u2028\ufb01',
    '\ue000\ufb01',
    '\u05e9a\ufb01',
  ])
    t.equal(saslPrepared(password), password, encodeURIComponent(password))
})
