import t from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { settings } from '../../../src/config/settings.ts'

const noticesOf = (env: Record<string, string>) => readConfig(env).notices

t.test('a name that is nearly a setting: a notice with the right name', async t => {
  const rows: Record<string, string> = {
    ADMIN_KEY: 'ADMIN_API_KEY',
    POOLSIZE: 'POOL_SIZE',
    OPENAI_KEY: 'OPENAI_API_KEY',
    OPENAI_API_BASE: 'OPENAI_BASE_URL',
    REDIS_URI: 'REDIS_URL',
    DB_URL: 'DATABASE_URL',
    DATABSE_URL: 'DATABASE_URL',
    ASKWELL_PORT: 'PORT',
    LOGLEVEL: 'LOG_LEVEL',
    REQUEST_TIMEOUT: 'REQUEST_TIMEOUT_MS',
    EMBEDDINGS_MODEL: 'EMBEDDING_MODEL',
    TRUSTED_PROXY: 'TRUST_PROXY',
    ADMIN_API_KEY_FIEL: 'ADMIN_API_KEY_FILE',
    OTEL_EXPORTER_OTLP_TRACE_ENDPOINT: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  }
  for (const [name, meant] of Object.entries(rows))
    t.same(noticesOf({ [name]: 'hush' }), [`${name} is not a setting; ${meant} may be meant`])
  const both = noticesOf({ ADMIN_KEY: 'hush', ADMIN_API_KEY: 'a-key-of-many-letters' })
  t.same(both, ['ADMIN_KEY is not a setting; ADMIN_API_KEY may be meant'], 'also if that one is set')
})

t.test('what other programs and platforms set is left alone', async t => {
  const names =
    'PATH HOME USER LOGNAME SHELL SHLVL PWD OLDPWD TERM COLORTERM LANG LC_ALL TZ HOSTNAME HOST_NAME HOSTS MAIL EDITOR DISPLAY ' +
    'POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_HOST POSTGRES_URL PGHOST PGUSER DATABASE_HOST DATABASE_NAME ' +
    'DATABASE_USER DATABASE_PRIVATE_URL DB_HOST REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_TLS_URL PORT_80 PORT_443_TCP ' +
    'NODE NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS HTTP_PROXY HTTPS_PROXY NO_PROXY API_KEY API_URL API_PORT API_HOST ' +
    'WORKER WEB_CONCURRENCY LOG_FORMAT XDG_DATA_DIRS XDG_DATA_HOME KUBERNETES_SERVICE_HOST KUBERNETES_PORT_443_TCP ' +
    'MONITORING_SERVICE_HOST MONITORING_SERVICE_PORT OPENAI_ORG_ID OPENAI_PROJECT_ID OTEL_BLRP_SCHEDULE_DELAY ' +
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_TIMEOUT INVOCATION_ID JOURNAL_STREAM CI DEBUG MODEL ' +
    'SECRET_KEY ADMIN_EMAIL ADMIN_PASSWORD VIRTUAL_HOST FLY_APP_NAME DYNO npm_config_port npm_lifecycle_event'
  for (const name of names.split(' ')) t.same(noticesOf({ [name]: '1' }), [], name)
})

t.test('the names of all settings, in a file or not, are known', async t => {
  for (const { name } of Object.values(settings)) t.same(noticesOf({ [name]: ' ' }), [], name)
  t.same(noticesOf({ CHAT_MODEL_FILE: '/x' }), [
    'CHAT_MODEL_FILE is not read: only secrets can be in a file; set CHAT_MODEL',
  ])
})

t.test("Kubernetes' variables for services count as not set, and one line says so", async t => {
  const config = readConfig({
    MONITORING_PORT: 'tcp://10.0.0.1:80',
    MONITORING_PORT_80_TCP: 'tcp://10.0.0.1:80',
    ASKWELL_PORT: 'tcp://10.0.0.2:80',
    PORT: 'udp://10.0.0.3:53',
  })
  t.equal(config.monitoring, null)
  t.equal(config.port, 3000)
  t.match(config.notices, [/^PORT is the address of a Kubernetes service/, /^MONITORING_PORT is the address of/])
  t.equal(config.notices.length, 2)
})
