/** The Redis log on private servers, whose log's clock stands still until a law moves it. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { Redis as Client } from "ioredis"
import type { Harness } from "../../properties/Harness.ts"
import type { LawName } from "../../properties/LawName.ts"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import { library } from "../../src/backends/redis/Library.ts"
import * as RedisLog from "../../src/backends/redis/RedisLog.ts"
import { Redis } from "../support/servers/Redis.ts"
import { type Place, single } from "./redisPlaces.ts"

export interface Options {
  readonly name: string
  /** A server, or another place for the log. */
  readonly server: Redis | Place
  /** Every so many crashes are the server's own death by SIGKILL; in the others the log's process dies. */
  readonly killEvery: number
}

/** Settings of a server that writes to its file only what it is asked to, so that what a log writes can be counted. */
export const quiet = { "auto-aof-rewrite-percentage": 0 }

/** Laws that are not about such a log: those of a log with one owner, and those of storage that is its own. */
export const notClaimed: ReadonlyArray<LawName> = ["singleOwner", "haltOnDamage", "poisonOnSyncError", "clockStepSafe"]

/** Milliseconds after which what a history has left on the server will not end by itself. */
const patience = 60_000

/** Beginning of 2030, Unix milliseconds. */
const beginning = 1_893_456_000_000

const log = "laws"

/** Where the log's clock is; it lies where the log lies. */
export const clock = `{${log}}:clock`

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

/** The process of the log is gone from a server when none of these is left. */
const processOf = (list: string): ReadonlyArray<string> =>
  list.split("\n").filter((line) => line.includes(` name=leasehold:${log} `))

/** One log after the other in one place: each history begins with nothing in it. */
export const redisHarness = ({ killEvery, name, server }: Options): RedisHarness => {
  const place = server instanceof Redis ? single(server) : server
  const admins = new Map<Redis, Client>()
  let opened: Scope.Closeable | undefined
  let now = beginning
  let ticked = 0
  let crashes = 0
  /** What is written in this history is counted, in the file of one server. */
  let counted = false

  /** A connection that only the test has. */
  const adminOf = async (of: Redis): Promise<Client> => {
    const known = admins.get(of)
    if (known !== undefined) return known
    const admin = new Client({
      port: of.port,
      host: "127.0.0.1",
      protocol: 2,
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true
    })
    admin.on("error", () => {})
    await admin.connect()
    admins.set(of, admin)
    return admin
  }

  const dropAdmins = (): void => {
    for (const admin of admins.values()) admin.disconnect()
    admins.clear()
  }

  /** Asks the server that has the log. */
  const asked = <A>(ask: (client: Client) => Promise<A>): Effect.Effect<A> =>
    Effect.promise(async () => ask(await adminOf(await place.owner())))

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
    return yield* RedisLog.makeWith({ name: log, ...place.options }, functions).pipe(
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

  /** Until no server has anything of the log's process: what it has sent is done or dropped. */
  const gone = async (): Promise<void> => {
    for (const until = Date.now() + patience; ;) {
      const left = await Promise.all(
        place.servers.map(async (each) => {
          const admin = await adminOf(each)
          const found = processOf(String(await admin.call("CLIENT", "LIST")))
          for (const line of found) await admin.call("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(line)?.[1] ?? "")
          return found
        })
      )
      if (left.every(({ length }) => length === 0)) return
      if (Date.now() > until) throw new Error(`still connected: ${left.flat().join("; ")}`)
      await sleep(1)
    }
  }

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
      // one server comes back at once, whatever a seed brings; others take seconds, so these crashes are counted out
      if (server instanceof Redis ? seed % killEvery === 0 : !counted && ++crashes % killEvery === 0) {
        dropAdmins()
        yield* Effect.promise(() => place.strike({ end: () => Effect.runPromise(closeOpened), gone }))
        dropAdmins()
        // another server may have the log now, which was not told the time
        yield* setClock(now)
      } else {
        yield* closeOpened
      }
      yield* Effect.promise(gone)
    })

  const make = Effect.gen(function* () {
    yield* Effect.addFinalizer(() => closeOpened)
    yield* Effect.promise(async () => {
      await place.settled()
      await gone()
      for (const each of await place.writable()) await (await adminOf(each)).flushall()
    })
    counted = false
    yield* setClock(beginning)
    const operations: JobLogOperations = yield* open
    const restart = Effect.andThen(closeOpened, open)
    const stirred = Effect.promise(async () => {
      if (!counted) await place.stir()
    })
    yield* stirred
    return {
      log: operations,
      advance: (millis: number) => Effect.andThen(setClock(now + millis), stirred),
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
      written: Effect.suspend(() => {
        // a move writes as well, and to another server's file from then on, as after a death
        counted = true
        return asked(async (client) => {
          const [, size] = /aof_current_size:(\d+)/.exec(await client.info("persistence")) ?? []
          return Number(size) - ticked
        })
      })
    }
  })

  return {
    name,
    // other servers than one take seconds to come back, and a strike that is given up leaves them down
    patience: server instanceof Redis ? 20_000 : 60_000,
    cannot: {
      damage: "the storage is the server's",
      failSync: "the storage is the server's",
      stepClock: "the clock is the server's",
      openSecond: "many may have it open"
    },
    make,
    close: async () => {
      await Effect.runPromise(closeOpened)
      await place.settled()
      dropAdmins()
    }
  }
}
