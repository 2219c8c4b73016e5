import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { CLOSE_CODES, PROTOCOL_VERSION, SERIES, SUBPROTOCOL } from '../../telemetry/protocol.ts'
import type {
  CheckpointEvent,
  HelloBody,
  History,
  PoolEvent,
  StateBody,
  TickValues,
  WALHolderKind,
  WalView,
} from '../../telemetry/protocol.ts'
import { readJson, sendError, sendJson } from './fixture-http.ts'
import { eventsAt, stateAt } from './fixture-state.ts'
import { ACQUIRE_TIMEOUT_MS, LIMIT, TROUBLE_MS, valuesAt } from './fixture-values.ts'
import type { Scenario } from './fixture-values.ts'

const TICK_MS = 250
const PING_MS = 5000
const HISTORY_MS = 3_600_000
const REPLAYED_FRAMES = 400
const COOKIE = 'fixture_session'
const dist = join(import.meta.dirname, '..', '..', 'dist', 'dashboard')

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export interface FixtureOptions {
  readonly scenario?: Scenario
  readonly access?: 'viewer' | 'admin'
  /** What a proxy in front strips, such as `/x/y`. */
  readonly prefix?: string
  /** How long the server has been running, in ms; what it remembers reaches as far back. */
  readonly uptimeMs?: number
  /** Who keeps the log in the scenario `wal-pinned`; a lease when not given. */
  readonly pinnedBy?: WALHolderKind
  /** What is otherwise with the log. */
  readonly wal?: Partial<WalView>
}

/**
 * A server that speaks the protocol and has no pool: seeded numbers for the browser's tests and for
 * pictures. Everything that can go wrong on the wire can be made to go wrong by hand.
 */
export class FixtureServer {
  readonly scenario: Scenario
  /** The link works once, as the real one. */
  readonly token: string = randomUUID()
  /** Everything a viewer has acknowledged. */
  readonly acks: number[] = []
  /** Bodies of checkpoints asked for. */
  readonly checkpoints: unknown[] = []
  readonly #prefix: string
  readonly #access: 'viewer' | 'admin'
  readonly #pinnedBy: WALHolderKind
  readonly #wal: Partial<WalView>
  readonly #http: Server
  readonly #ws = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  readonly #viewers = new Set<WebSocket>()
  readonly #sockets = new Set<Duplex>()
  #sessions = new Set<string>()
  #isTokenUsed = false
  #isAway = false
  #bootId: string = randomUUID()
  #startedAtMs: number
  readonly #troubleAtMs: number
  #seq = 1000
  #eventSeq = 0
  #events: PoolEvent[] = []
  #frames: (readonly [seq: number, text: string])[] = []
  #lastTickAtMs: number
  #lastCheckpoint: CheckpointEvent | null = null
  #timers: NodeJS.Timeout[] = []
  /** A stretch that the server itself knows nothing of: the history has nulls there. */
  #unmeasured: { readonly fromMs: number; readonly toMs: number } | null = null
  #isSilent = false
  #losing: { readonly fromMs: number; readonly isMeasured: boolean } | null = null

  constructor(options: FixtureOptions = {}) {
    this.scenario = options.scenario ?? 'healthy'
    this.#access = options.access ?? 'admin'
    this.#prefix = options.prefix ?? ''
    this.#pinnedBy = options.pinnedBy ?? 'lease'
    this.#wal = options.wal ?? {}
    const nowMs = Date.now()
    this.#lastTickAtMs = Math.floor(nowMs / TICK_MS) * TICK_MS
    const uptimeMs = options.uptimeMs ?? (this.scenario === 'empty' ? 3000 : 4_000_000)
    this.#startedAtMs = nowMs - uptimeMs
    this.#troubleAtMs = this.#lastTickAtMs - TROUBLE_MS[this.scenario]
    this.#rememberEvents()
    this.#http = createServer((request, response) => {
      void this.#answer(request, response)
    })
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** `http://127.0.0.1:PORT`. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  get dashboardUrl(): string {
    return `${this.origin}${this.#prefix}/dashboard/`
  }

  get link(): string {
    return `${this.dashboardUrl}#token=${this.token}`
  }

  get bootId(): string {
    return this.#bootId
  }

  get viewerCount(): number {
    return this.#viewers.size
  }

  /** The values of the newest tick, by name. */
  get latest(): Readonly<Record<string, number | null>> {
    const values = this.#values(this.#lastTickAtMs)
    return Object.fromEntries(SERIES.map(({ name }, i) => [name, values[i] ?? null]))
  }

  get lastTickAtMs(): number {
    return this.#lastTickAtMs
  }

  async start(): Promise<this> {
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    this.#timers = [
      setInterval(() => this.#catchUp(), TICK_MS),
      setInterval(() => this.#send(['ping', this.#seq, Date.now()]), PING_MS),
    ]
    return this
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    for (const socket of this.#sockets) socket.destroy()
    this.#http.close()
    await once(this.#http, 'close')
  }

  /**
   * Frames from now on are made and not sent, so that each viewer meets a hole. When they were not
   * measured either, the history has nulls there.
   */
  loseFrames(options: { readonly isMeasured: boolean }): void {
    this.#losing = { fromMs: this.#lastTickAtMs, ...options }
  }

  /** The next frame is sent again. */
  stopLosing(): void {
    if (this.#losing?.isMeasured === false) {
      this.#unmeasured = { fromMs: this.#losing.fromMs, toMs: this.#lastTickAtMs }
    }
    this.#losing = null
  }

  /** Still connected, and no more frames: not even a ping. */
  fallSilent(isSilent: boolean): void {
    this.#isSilent = isSilent
  }

  /** The process is gone: sockets break, nobody is let in. */
  goAway(): void {
    this.#isAway = true
    for (const socket of this.#sockets) socket.destroy()
    this.#viewers.clear()
  }

  /** The same process is reachable again. */
  comeBack(): void {
    this.#isAway = false
  }

  /** Another run of the server takes over: it remembers nothing but, if asked to, the sessions. */
  restart(options: { readonly keepsSessions: boolean }): void {
    this.#bootId = randomUUID()
    this.#startedAtMs = Date.now()
    this.#seq = 0
    this.#eventSeq = 0
    this.#events = []
    this.#frames = []
    if (!options.keepsSessions) this.#sessions = new Set()
    this.#isTokenUsed = false
    this.#isAway = false
  }

  /** The server speaks another version of the protocol. */
  askForReload(): void {
    this.#send(['bye', this.#seq, 'reload'])
  }

  /** Ends all sessions, and says so on the sockets. */
  endSessions(): void {
    this.#sessions = new Set()
    for (const viewer of this.#viewers) viewer.close(CLOSE_CODES.unauthenticated)
  }

  #values(atMs: number): TickValues {
    return valuesAt(this.scenario, atMs, this.#troubleAtMs)
  }

  #state(): StateBody {
    const state = stateAt(this.scenario, this.#lastTickAtMs, {
      values: this.#values(this.#lastTickAtMs),
      troubleAtMs: this.#troubleAtMs,
      startedAtMs: this.#startedAtMs,
      lastCheckpoint: this.#lastCheckpoint,
      viewers: this.#viewers.size,
      pinnedBy: this.#pinnedBy,
    })
    return { ...state, wal: { ...state.wal, ...this.#wal } }
  }

  #rememberEvents(): void {
    const fromMs = Math.max(this.#startedAtMs, this.#lastTickAtMs - HISTORY_MS)
    const first = Math.ceil(fromMs / TICK_MS) * TICK_MS
    for (let atMs = first; atMs <= this.#lastTickAtMs; atMs += TICK_MS) this.#makeEvents(atMs)
  }

  #makeEvents(atMs: number): PoolEvent[] {
    const tick = { tickMs: TICK_MS, troubleAtMs: this.#troubleAtMs, pinnedBy: this.#pinnedBy }
    const made = eventsAt(this.scenario, atMs, tick).map((body): PoolEvent => {
      if (body.type === 'checkpoint') this.#lastCheckpoint = body
      this.#eventSeq += 1
      return { ...body, seq: this.#eventSeq, atMs }
    })
    this.#events.push(...made)
    return made
  }

  // A timer that comes late makes up for it: there is a tick for each quarter of a second.
  #catchUp(): void {
    while (this.#lastTickAtMs + TICK_MS <= Date.now()) {
      this.#makeTick(this.#lastTickAtMs + TICK_MS)
    }
  }

  #makeTick(atMs: number): void {
    this.#lastTickAtMs = atMs
    const frames: unknown[][] = [['tick', 0, atMs, this.#values(atMs)]]
    for (const event of this.#makeEvents(atMs)) frames.push(['event', 0, event])
    frames.push(['state', 0, this.#state()])
    for (const frame of frames) {
      this.#seq += 1
      frame[1] = this.#seq
      this.#frames = [...this.#frames, [this.#seq, JSON.stringify(frame)] as const].slice(
        -REPLAYED_FRAMES,
      )
      if (this.#losing === null) this.#send(frame)
    }
  }

  #send(frame: readonly unknown[]): void {
    if (this.#isSilent) return
    const text = JSON.stringify(frame)
    for (const viewer of this.#viewers) viewer.send(text)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isAway) {
      socket.destroy()
      return
    }
    const url = this.#urlOf(request)
    if (url?.pathname !== '/api/v1/live' || !this.#hasSession(request)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n')
      return
    }
    this.#ws.handleUpgrade(request, socket, head, (viewer) => this.#greet(viewer, url))
  }

  #greet(viewer: WebSocket, url: URL): void {
    this.#viewers.add(viewer)
    viewer.on('close', () => this.#viewers.delete(viewer))
    viewer.on('message', (data: Buffer) => {
      const [type, seq] = JSON.parse(data.toString()) as [string, number]
      if (type === 'ack') this.acks.push(seq)
    })
    const hello: HelloBody = {
      version: PROTOCOL_VERSION,
      bootId: this.#bootId,
      poolName: 'shop',
      serverAtMs: Date.now(),
      startedAtMs: this.#startedAtMs,
      tickMs: TICK_MS,
      pingMs: PING_MS,
      series: SERIES,
      access: this.#access === 'admin' ? 'admin' : 'read',
      limits: {
        max: LIMIT,
        readers: LIMIT - 1,
        maxWaiters: 1000,
        acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
      },
      state: this.#state(),
    }
    viewer.send(JSON.stringify(['hello', this.#seq, hello]))
    const after = Number(url.searchParams.get('after'))
    const oldest = this.#frames[0]?.[0] ?? this.#seq + 1
    const canReplay = url.searchParams.get('boot') === this.#bootId && after >= oldest - 1
    if (!canReplay) viewer.send(JSON.stringify(['gap', this.#seq]))
    else for (const [seq, text] of this.#frames) if (seq > after) viewer.send(text)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = this.#urlOf(request)
    if (this.#isAway) {
      request.socket.destroy()
      return
    }
    if (url === null) sendError(response, 404, 'NOT_FOUND', 'There is nothing here.')
    else if (url.pathname.startsWith('/dashboard/')) this.#sendFile(url.pathname, response)
    else if (url.pathname === '/api/auth/session') await this.#authenticate(request, response)
    else if (!this.#hasSession(request)) {
      sendError(response, 401, 'UNAUTHENTICATED', 'Log in first.')
    } else if (url.pathname === '/api/v1/history') sendJson(response, 200, this.#history(url))
    else if (url.pathname === '/api/admin/checkpoint') await this.#checkpoint(request, response)
    else sendError(response, 404, 'NOT_FOUND', 'There is nothing here.')
  }

  /** The address behind the prefix; `null` when it is not below it. */
  #urlOf(request: IncomingMessage): URL | null {
    const path = request.url ?? '/'
    return path.startsWith(this.#prefix)
      ? new URL(path.slice(this.#prefix.length), 'http://a')
      : null
  }

  #sendFile(pathname: string, response: ServerResponse): void {
    const name = pathname.slice('/dashboard/'.length) || 'index.html'
    const path = join(dist, name)
    if (!path.startsWith(dist) || !existsSync(path)) {
      sendError(response, 404, 'NOT_FOUND', 'There is no such file.')
      return
    }
    response.writeHead(200, {
      'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': CSP,
      'x-content-type-options': 'nosniff',
    })
    response.end(readFileSync(path))
  }

  async #authenticate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'DELETE') {
      this.#sessions.delete(sessionOf(request))
      response.writeHead(204).end()
      return
    }
    if (request.method === 'GET') {
      if (this.#hasSession(request)) sendJson(response, 200, { access: this.#access })
      else sendError(response, 401, 'UNAUTHENTICATED', 'Log in first.')
      return
    }
    const { token } = (await readJson(request)) as { token?: unknown }
    if (token === 'too-often') {
      response.setHeader('retry-after', '12')
      sendError(response, 429, 'RATE_LIMITED', 'Too many attempts.')
      return
    }
    if (token !== this.token || this.#isTokenUsed) {
      sendError(response, 401, 'UNAUTHENTICATED', 'The token is not valid.')
      return
    }
    this.#isTokenUsed = true
    const session = randomUUID()
    this.#sessions.add(session)
    response.setHeader('set-cookie', `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`)
    sendJson(response, 200, { access: this.#access })
  }

  #hasSession(request: IncomingMessage): boolean {
    return this.#sessions.has(sessionOf(request))
  }

  #history(url: URL): History {
    const stepMs = Number(url.searchParams.get('stepMs')) < 1000 ? TICK_MS : 1000
    const askedFromMs = Number(url.searchParams.get('fromMs'))
    const oldestMs = Math.max(this.#startedAtMs, this.#lastTickAtMs - HISTORY_MS, askedFromMs)
    const atMs: number[] = []
    const columns: (number | null)[][] = SERIES.map(() => [])
    for (let at = Math.ceil(oldestMs / stepMs) * stepMs; at <= this.#lastTickAtMs; at += stepMs) {
      atMs.push(at)
      const hole = this.#unmeasured
      const isUnmeasured = hole !== null && at > hole.fromMs && at <= hole.toMs
      for (const [i, value] of this.#values(at).entries()) {
        columns[i]!.push(isUnmeasured ? null : value)
      }
    }
    return {
      bootId: this.#bootId,
      seq: this.#seq,
      serverAtMs: Date.now(),
      startedAtMs: this.#startedAtMs,
      stepMs,
      series: SERIES.map(({ name }) => name),
      atMs,
      columns,
      events: this.#events.filter((event) => event.atMs >= oldestMs),
      state: this.#state(),
    }
  }

  async #checkpoint(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readJson(request)) as { mode: CheckpointEvent['mode'] }
    if (this.#access !== 'admin') {
      sendError(response, 403, 'FORBIDDEN', 'This needs the admin role.')
      return
    }
    this.checkpoints.push(body)
    const event: CheckpointEvent = {
      type: 'checkpoint',
      mode: body.mode,
      trigger: 'manual',
      outcome: 'complete_reset',
      startedAtMs: Date.now(),
      durationMs: 8.25,
      isBusy: false,
      logFrames: 612,
      checkpointedFrames: 612,
      movedFrames: 612,
      sizeBeforeBytes: 2_521_472,
      sizeAfterBytes: body.mode === 'TRUNCATE' ? 0 : 2_521_472,
      errorCode: null,
      blockedBy: [],
      pin: null,
      passes: [],
      gate: null,
    }
    this.#lastCheckpoint = event
    this.#eventSeq += 1
    const told: PoolEvent = { ...event, seq: this.#eventSeq, atMs: Date.now() }
    this.#events.push(told)
    this.#seq += 1
    this.#send(['event', this.#seq, told])
    const { type: _, isBusy, logFrames, checkpointedFrames, ...rest } = event
    sendJson(response, 200, {
      ...rest,
      busy: isBusy ? 1 : 0,
      log: logFrames,
      checkpointed: checkpointedFrames,
    })
  }
}

export const startFixture = (options: FixtureOptions = {}): Promise<FixtureServer> =>
  new FixtureServer(options).start()

const sessionOf = (request: IncomingMessage): string =>
  new RegExp(`${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
