/** A connection of a log in Redis with functions of its own, to be tried on private servers. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { MinimumLogLevel } from "effect/References"
import type * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import { connect, type Connection } from "../../../src/backends/redis/Connection.ts"
import type { ConnectionOptions } from "../../../src/backends/redis/ConnectionOptions.ts"
import type { Library } from "../../../src/backends/redis/Library.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { type Options, Redis, until } from "../../support/servers/Redis.ts"

const body = `
local function put(keys, args) redis.call('SET', keys[1], args[1]) return {1, args[1]} end
local function get(keys) return redis.call('GET', keys[1]) end
local function count(keys) return redis.call('INCR', keys[1]) end
local function tell(keys, args) redis.call('PUBLISH', args[1], args[2]) return 'told' end
local function size(keys, args) return #args end
local function fail(keys) redis.call('SET', keys[1], 'half') error('broken') end
local function spin(keys, args)
  local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
  local until_ = now() + args[1]
  while now() < until_ do end
  return 'done'
end
`
const flags = { put: "", get: "allow-oom", count: "", tell: "", size: "no-writes", fail: "", spin: "no-writes" }

export const library: Library = {
  name: "leasehold_connectiontest",
  functions: `#!lua name=leasehold_connectiontest\n${body}\n${Object.entries(flags)
    .map(
      ([name, flag]) =>
        `redis.register_function{function_name='leasehold_connectiontest_${name}',callback=${name},flags={${flag === "" ? "" : `'${flag}'`}}}`
    )
    .join("\n")}`,
  script: (name) => `${body}\nreturn ${name}(KEYS, ARGV)`
}

/** Runs a test that needs a scope; what it logs on the way is no news. */
export const running = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provideService(effect, MinimumLogLevel, "None")))

export const server = (options?: Options): (() => Redis) => {
  let started: Redis | undefined
  beforeAll(async () => {
    started = await Redis.start(options)
  })
  afterAll(() => started?.close())
  return () => {
    if (started === undefined) throw new Error("the server has not started")
    return started
  }
}

let logs = 0
/** A log of its own for a test. */
export const newName = (): string => `log-${++logs}`

export const at = (url: Redacted.Redacted, options: Partial<ConnectionOptions> = {}, name = newName()) =>
  connect({ server: { _tag: "Url", url }, ...options }, library, name)

export const outcomeOf = (error: LogError): string => `${error.outcome} ${error.reason._tag}`

export const failing = <A>(effect: Effect.Effect<A, LogError>) =>
  Effect.map(Effect.flip(effect), (error) => ({
    outcome: outcomeOf(error),
    error,
    text: JSON.stringify(error) + error.message
  }))

export const cli = (redis: Redis, ...command: Parameters<Redis["cli"]>) => Effect.promise(() => redis.cli(...command))

export const put = (connection: Connection, value: string) => connection.call("enqueue", "put", [value])
export const get = (connection: Connection) => connection.call("read", "get", [], { readOnly: true })

/** A server that ends with the test. */
export const started = (options?: Options) =>
  Effect.acquireRelease(
    Effect.promise(() => Redis.start(options)),
    (it) => Effect.promise(() => it.close())
  )

export const waiting = (what: string, holds: () => Promise<boolean>) => Effect.promise(() => until(what, holds))

/** A replica of a server, once it follows. */
export const replicaOf = (master: Redis) =>
  Effect.tap(started({ settings: { replicaof: `127.0.0.1 ${master.port}` } }), (replica) =>
    waiting("it follows", async () => (await replica.info("master_link_status")) === "up")
  )
