import { integer, oneOf, setting, tesseractLanguages, words } from '../kinds.ts'

export const preparingSettings = {
  prepareWorkers: setting(
    'PREPARE_WORKERS',
    '2',
    'Worker processes that parse and prepare documents, started on demand.',
    integer(1, 64),
  ),
  prepareCpuSeconds: setting(
    'PREPARE_CPU_SECONDS',
    '60',
    'CPU time for preparing one document; a document that needs more is rejected.',
    integer(1, 86_400),
  ),
  prepareMemoryMb: setting(
    'PREPARE_MEMORY_MB',
    '1536',
    'Memory for preparing one document; a document that needs more is rejected.',
    integer(400, 1_048_576),
  ),
  ocrLanguages: setting(
    'OCR_LANGUAGES',
    undefined,
    'Languages of scanned PDFs as Tesseract names them, joined by `+`, such as `eng+rus`; turns text recognition on, which needs packages that do not ship with Askwell. Unset: scanned pages are not read.',
    tesseractLanguages,
  ),
  ocrData: setting(
    'OCR_DATA',
    undefined,
    'Folder with language data for text recognition, such as `rus.traineddata` or `rus.traineddata.gz`. Unset: the packages `@tesseract.js-data/…`.',
    words,
  ),
  prepareQueueMb: setting(
    'PREPARE_QUEUE_MB',
    '64',
    'Total size of `PUT /documents` bodies that may be queued or in progress; further ones get 503.',
    integer(1, 1_048_576),
  ),
  wordsFirstMs: setting(
    'INGEST_WORDS_FIRST_MS',
    '10000',
    'Time after which `askwell ingest` and `PUT /documents` store documents before their vectors are made: they are found by their words at once, and the vectors follow at the end of the load, or in the background of the service.',
    integer(0, 86_400_000),
  ),
  keepOriginals: setting(
    'KEEP_ORIGINALS',
    'yes',
    'What is kept of each document for `askwell reindex`: `yes` what was received, compressed (up to 2 MB), `sections` only the structure of its text, `no` nothing.',
    oneOf('no', 'sections', 'yes'),
  ),
} as const
