import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { compileValidator } from './validator-compiler.ts'

const MAX_CONNECTIONS = 2048

/** What `serverOptions` cannot say: more connections than this are dropped, JSON is the only body. */
async function hardening(app: FastifyInstance): Promise<void> {
  app.server.maxConnections = MAX_CONNECTIONS
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(compileValidator)
}

export const hardeningPlugin = fp(hardening, { name: 'hardening' })
