import cookie from '@fastify/cookie'
import type {} from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { HttpError } from '../http-error.ts'
import { authenticate, authorizeAdmin } from './authenticate.ts'
import { credentialOf } from './credential.ts'
import { checkHost, Hosts } from './hosts.ts'
import { checkOrigin } from './origin.ts'
import { assertAccessDeclared, type Access } from './route-access.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'
import { isUpgrade } from './upgrade.ts'

export interface AccessOptions {
  readonly http: Pick<Config['http'], 'allowedHosts' | 'isLoopback' | 'tls'>
  readonly tokens: Tokens
  readonly sessions: Sessions
}

/**
 * The one gate. Every request passes it, a websocket's upgrade included and before its 101: under which
 * name it reached us, where it comes from, who sends it, what they may do.
 *
 * Register it before any route: the server does not start while one of them keeps silent about its access.
 */
async function access(app: FastifyInstance, options: AccessOptions): Promise<void> {
  const { tokens, sessions } = options
  const { allowedHosts: names, isLoopback, tls } = options.http
  const hosts = new Hosts({ names, isLoopback, isTls: tls !== null })
  const routes: RouteOptions[] = []

  await app.register(cookie)
  app.decorateRequest('access', 'none')
  app.decorateRequest('isAccessAlive', function (this: FastifyRequest) {
    return this.access !== 'none' && isAlive(this)
  })

  app.addHook('onRoute', (route) => {
    routes.push(route)
    const isWebsocket = route.websocket === true || route.wsHandler !== undefined
    if (isWebsocket && route.config !== undefined) route.config = { ...route.config, isWebsocket }
  })
  // Judged when they are all there: a plugin may still speak for the routes of a library that it registers.
  app.addHook('onReady', async () => assertAccessDeclared(routes))

  app.addHook('onRequest', (request, _reply, done) => {
    checkHost(request, hosts)
    checkUpgrade(request)
    checkOrigin(request)
    request.access = accessOf(request)
    if (!request.is404) admit(request)
    done()
  })

  function accessOf(request: FastifyRequest): Access {
    const credential = credentialOf(request)
    if (credential === null) return 'none'
    if (credential.kind === 'cookie') return sessions.use(credential.value)?.role ?? 'none'
    const verdict = tokens.check(credential.value)
    return verdict === 'admin' || verdict === 'viewer' ? verdict : 'none'
  }

  function isAlive(request: FastifyRequest): boolean {
    const credential = credentialOf(request)!
    return credential.kind === 'cookie'
      ? sessions.isAlive(credential.value)
      : tokens.check(credential.value) === request.access
  }
}

/** Otherwise every GET route would answer an upgrade with 101 and leave the socket hanging. */
function checkUpgrade(request: FastifyRequest): void {
  if (!isUpgrade(request) || request.routeOptions.config.isWebsocket === true) return
  throw new HttpError('NOT_FOUND', 'There is no websocket here.')
}

function admit(request: FastifyRequest): void {
  const { access } = request.routeOptions.config
  if (access === 'open') return
  authenticate(request)
  if (access !== 'viewer') authorizeAdmin(request)
}

export const accessPlugin = fp(access, { name: 'access' })
