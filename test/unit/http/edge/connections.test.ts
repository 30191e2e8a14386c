import t from 'tap'
import { connectionsWithin, descriptorLimit, descriptorsIn } from '../../../../src/http/edge/connections.ts'

t.test('connections leave descriptors for everything else', async t => {
  t.equal(connectionsWithin(null, 10_000, 266), 10_000, 'not known')
  t.equal(connectionsWithin(1_048_576, 10_000, 266), 10_000)
  t.equal(connectionsWithin(4096, 10_000, 266), 3830)
  t.equal(connectionsWithin(300, 10_000, 266), 150, 'half of them, where there are few')
  t.equal(connectionsWithin(1, 10_000, 266), 1)
})

t.test('the limit is read from what the system says', async t => {
  t.equal(
    descriptorsIn(
      'Max processes 1 2 processes\nMax open files            1024                 4096                 files     \n',
    ),
    1024,
  )
  t.equal(descriptorsIn('Max open files            unlimited            unlimited            files     \n'), null)
  t.ok(process.platform !== 'linux' || Number(descriptorLimit()) > 0)
})
