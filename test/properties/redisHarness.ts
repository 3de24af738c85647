/** The Redis log on a private server, whose log's clock stands still until a law moves it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { Redis as Client } from "ioredis"
import type { Harness } from "../../properties/Harness.ts"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import { library } from "../../src/backends/redis/Library.ts"
import * as RedisLog from "../../src/backends/redis/RedisLog.ts"
import type { Redis } from "../support/servers/Redis.ts"

export interface Options {
  readonly name: string
  readonly server: Redis
  /** Every so many crashes are the server's own death by SIGKILL; in the others the log's process dies. */
  readonly killEvery: number
}

/** Settings of a server that writes to its file only what it is asked to, so that what a log writes can be counted. */
export const quiet = { "auto-aof-rewrite-percentage": 0, "aof-timestamp-enabled": "no" }

/** Milliseconds after which what a history has left on the server will not end by itself. */
const patience = 60_000

/** Beginning of 2030, Unix milliseconds. */
const beginning = 1_893_456_000_000

const log = "laws"
const clock = `{${log}}:clock`

/** The time is what the law says, kept beside the log. */
const functions = library("return tonumber(call('GET', B .. 'clock'))")

/** What setting the clock adds to the server's file. */
const clockBytes = (millis: number): number => {
  const words = ["SET", clock, String(millis)]
  return words.reduce((bytes, word) => bytes + `$${word.length}\r\n${word}\r\n`.length, `*${words.length}\r\n`.length)
}

export interface RedisHarness extends Harness {
  readonly close: () => Promise<void>
}

/** One log after the other on one server: each history begins with nothing in it. */
export const redisHarness = ({ killEvery, name, server }: Options): RedisHarness => {
  let admin: Client | undefined
  let opened: Scope.Closeable | undefined
  let now = beginning
  let ticked = 0

  const asked = <A>(ask: (client: Client) => Promise<A>): Effect.Effect<A> =>
    Effect.promise(async () => {
      if (admin === undefined) {
        admin = new Client({
          port: server.port,
          host: "127.0.0.1",
          protocol: 2,
          lazyConnect: true,
          disableClientInfo: true
        })
        admin.on("error", () => {})
        await admin.connect()
      }
      return ask(admin)
    })

  const setClock = (to: number): Effect.Effect<void> =>
    Effect.asVoid(
      asked((client) => {
        now = to
        ticked += clockBytes(to)
        return client.set(clock, String(to))
      })
    )

  const open = Effect.gen(function* () {
    const scope = yield* Scope.make()
    opened = scope
    return yield* RedisLog.makeWith({ name: log, server: { _tag: "Url", url: server.url() } }, functions).pipe(
      Scope.provide(scope),
      // that its connections are cut is nothing to tell
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  })

  const closeOpened = Effect.suspend((): Effect.Effect<void> => {
    const scope = opened
    opened = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })

  /** Until nobody but the test is connected: what a dead process has sent is done or dropped. */
  const alone = Effect.gen(function* () {
    for (const until = Date.now() + patience; ;) {
      const others = yield* asked(async (client) => {
        await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await client.call("CLIENT", "KILL", "TYPE", "pubsub")
        const [, id] = /^id=(\d+) /.exec(String(await client.call("CLIENT", "INFO"))) ?? []
        return String(await client.call("CLIENT", "LIST"))
          .trim()
          .split("\n")
          .filter((line) => !line.startsWith(`id=${id} `))
      })
      if (others.length === 0) return
      if (Date.now() > until) return yield* Effect.die(new Error(`still connected: ${others.join("; ")}`))
      yield* Effect.sleep(1)
    }
  })

  /** Until the server's file is not being rewritten. */
  const rewritten = Effect.gen(function* () {
    while (yield* asked(async (client) => (await client.info("persistence")).includes("aof_rewrite_in_progress:1"))) {
      yield* Effect.sleep(1)
    }
  })

  /** Ends the process of the log, by seed at once or while the server still works for it. */
  const dies = (seed: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      if (seed % 3 > 0) yield* Effect.sleep(seed % 3)
      if (seed % killEvery === 0) {
        admin?.disconnect()
        admin = undefined
        yield* Effect.promise(() => server.kill())
        yield* closeOpened
        yield* Effect.promise(() => server.restart())
      } else {
        yield* closeOpened
        yield* alone
      }
    })

  const make = Effect.gen(function* () {
    yield* Effect.addFinalizer(() => closeOpened)
    yield* alone
    yield* asked((client) => client.flushall())
    yield* setClock(beginning)
    const operations: JobLogOperations = yield* open
    const restart = Effect.andThen(closeOpened, open)
    return {
      log: operations,
      advance: (millis: number) => setClock(now + millis),
      crash: ({ seed }: { readonly seed: number }) => Effect.andThen(dies(seed), open),
      restart,
      newerFormat: Effect.andThen(
        asked((client) => client.hset(`{${log}}:m`, "fmt", "2")),
        restart
      ),
      compact: Effect.gen(function* () {
        yield* rewritten
        yield* asked((client) => client.call("BGREWRITEAOF"))
        yield* rewritten
      }),
      written: asked(async (client) => {
        const [, size] = /aof_current_size:(\d+)/.exec(await client.info("persistence")) ?? []
        return Number(size) - ticked
      })
    }
  })

  return {
    name,
    patience: 20_000,
    cannot: {
      damage: "the storage is the server's",
      failSync: "the storage is the server's",
      stepClock: "the clock is the server's",
      openSecond: "many may have it open"
    },
    make,
    close: async () => {
      await Effect.runPromise(closeOpened)
      admin?.disconnect()
    }
  }
}
