/** A log of its own on a private server, whose clock stands still until a test moves it, also backwards. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { expect, test } from "vitest"
import { type Library, library } from "../../../src/backends/redis/Library.ts"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import type { Redis } from "../../support/servers/Redis.ts"
import { type LuaMutant, mutated } from "./luaMutants.ts"
import { cli, newQueue, running } from "./TroubleSupport.ts"

export interface ClockedLog {
  readonly log: JobLogOperations
  readonly move: (millis: number) => Effect.Effect<void>
  readonly now: () => number
  /** A command about one of the log's keys. */
  readonly ask: (command: string, key: string, ...words: ReadonlyArray<string>) => Effect.Effect<unknown>
  /** How often a command was called while an operation ran, by the functions too. */
  readonly calls: <A, E>(command: string, operation: Effect.Effect<A, E>) => Effect.Effect<number, E>
}

/** The library whose time is kept beside the log. */
const clocked = (): Library => library("return tonumber(call('GET', B .. 'clock'))")

const clockedLog = Effect.fnUntraced(function* (
  server: Redis,
  functions: Library
): Effect.fn.Return<ClockedLog, LogError, Scope.Scope> {
  const name = newQueue()
  const key = (of: string): string => `{${name}}:${of}`
  let now = 1_893_456_000_000
  const move = Effect.fnUntraced(function* (millis: number) {
    now += millis
    yield* cli(server, "SET", key("clock"), String(now))
  })
  yield* move(0)
  const log = yield* RedisLog.makeWith({ server: { _tag: "Url", url: server.url() }, name }, functions)
  const called = Effect.fnUntraced(function* (command: string) {
    const stats = yield* cli(server, "INFO", "commandstats")
    return Number(new RegExp(`cmdstat_(?:${command}):calls=(\\d+)`).exec(String(stats))?.[1] ?? 0)
  })
  return {
    log,
    move,
    now: () => now,
    ask: (command, of, ...words) => cli(server, command, key(of), ...words),
    calls: Effect.fnUntraced(function* (command, operation) {
      const before = yield* called(command)
      yield* operation
      return (yield* called(command)) - before
    })
  }
})

/**
 * A test of a log of its own, of which the body has to hold; and for each mutant one that it then does not.
 */
export const clockedTest =
  (server: () => Redis) =>
  (
    name: string,
    body: (given: ClockedLog) => Effect.Effect<void, unknown>,
    ...mutants: ReadonlyArray<Omit<LuaMutant, "law">>
  ): void => {
    const by = (functions: Library) => running(Effect.flatMap(clockedLog(server(), functions), body))
    test(name, { timeout: 60_000 }, () => by(clocked()))
    for (const mutant of mutants) {
      test(`${name}: found out with ${mutant.name}`, { timeout: 60_000 }, async () => {
        await expect(by(mutated(mutant, clocked()))).rejects.toThrow()
      })
    }
  }
