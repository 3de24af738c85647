/** Programs on a private Postgres server: each has clients of its own, as processes have. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import * as PostgresLog from "../../../../src/backends/postgres/PostgresLog.ts"
import { JobLog, type EnqueueItem, type JobLogOperations } from "../../../../src/log/JobLog.ts"
import { Postgres, type Options } from "../../../support/servers/Postgres.ts"

/** A server for a file of tests, with an empty log in the schema `leasehold`. */
export const server = (options?: Options): (() => Postgres) => {
  let started: Postgres | undefined
  beforeAll(async () => {
    started = await Postgres.start(options)
    await Effect.runPromise(Effect.scoped(Effect.asVoid(program(started, { migrate: true }))))
  })
  afterAll(() => started?.close())
  return () => {
    if (started === undefined) throw new Error("the server has not started")
    return started
  }
}

/** What a program of its own sees of the log. */
export interface Program {
  readonly sql: PgClient.PgClient
  readonly log: JobLogOperations
  readonly context: Context.Context<PgClient.PgClient | JobLog | PostgresLog.Completion>
}

/** A log with a client of its own, until the scope ends. */
export const program = (
  { port, sockets }: { readonly port: number; readonly sockets: string },
  options?: PostgresLog.Options,
  client?: Partial<PgClient.PgPoolConfig>
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connecting = PgClient.layer({
      path: `${sockets}/.s.PGSQL.${port}`,
      username: "leasehold",
      database: "postgres",
      ...client
    })
    const context = yield* Layer.build(Layer.provideMerge(PostgresLog.layer(options), connecting))
    return { sql: Context.get(context, PgClient.PgClient), log: Context.get(context, JobLog), context }
  }).pipe(Effect.orDie)

/** Runs a test that needs a scope; what it logs on the way is no news. */
export const running = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provideService(effect, References.MinimumLogLevel, "None")))

/** A program that ends before the test does. */
export const ending = <A, E>(
  make: Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<{ readonly made: A; readonly end: Effect.Effect<void> }, E> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    return { made: yield* Scope.provide(make, scope), end: Scope.close(scope, Exit.void) }
  })

let counter = 0

/** A request like no other. */
export const item = (queue: string, options?: Partial<EnqueueItem>): EnqueueItem => ({
  id: `00000000-0000-4000-8000-${(++counter).toString(16).padStart(12, "0")}`,
  queue,
  name: "work",
  version: 1,
  payload: "{}",
  ...options
})

/** A queue that no other test uses. */
export const newQueue = (): string => `q${++counter}`

/** A session that claims from a queue. */
export const claimer = Effect.fnUntraced(function* (log: JobLogOperations, queue: string, leaseDuration = 60_000) {
  const session = yield* log.open({ owner: "test", leaseDuration })
  let call = 0
  return {
    session: session.id,
    next: () => ++call,
    claim: (limit = 10) => log.claim({ session: session.id, call: ++call, queue, limit })
  }
})

/** The state of a job, undefined if there is none. */
export const stateOf = (log: JobLogOperations, id: string) =>
  Effect.map(log.read({ _tag: "Job", id }), (answer) => (answer._tag === "Job" ? answer.job?.state : undefined))
