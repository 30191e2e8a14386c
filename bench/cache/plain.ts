import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** `node bench/cache/plain.ts PORT REPLY.json`: what Node alone does for the same exchange; the body is parsed, not checked. */
const [port, file] = process.argv.slice(2)
const reply = JSON.parse(readFileSync(file!, 'utf8')) as object
const server = createServer((request, response) => {
  let body = ''
  request
    .setEncoding('utf8')
    .on('data', (part: string) => (body += part))
    .once('end', () => {
      if (body !== '') JSON.parse(body)
      const text = JSON.stringify(reply)
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
        .end(text)
    })
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => {
  server.close(() => process.exit())
  server.closeAllConnections()
})
