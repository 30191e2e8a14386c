import { pipeline, type Readable } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  type BrotliOptions,
  type ZlibOptions,
} from 'node:zlib'

/** Each piece is passed on as soon as it can be unpacked, so that a stream stays one. */
const gzip: ZlibOptions = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const brotli: BrotliOptions = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
}

const unpackers: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: () => createGunzip(gzip),
  'x-gzip': () => createGunzip(gzip),
  deflate: () => createInflate(gzip),
  br: () => createBrotliDecompress(brotli),
  zstd: () => createZstdDecompress(),
}

/** Unpacks a body by its `content-encoding`. Some gateways compress although they were asked not to. */
export function unpacked(contentEncoding: string | string[] | undefined, body: Readable): Readable {
  if (contentEncoding === undefined) return body
  const encodings = String(contentEncoding)
    .toLowerCase()
    .split(',')
    .map(each => each.trim())
    .toReversed()
  return encodings.reduce((packed, encoding) => unpack(encoding, packed), body)
}

function unpack(encoding: string, packed: Readable): Readable {
  const unpacker = unpackers[encoding]
  if (!unpacker) return packed
  // Whoever reads it gets the error.
  return pipeline(packed, unpacker(), () => {})
}
