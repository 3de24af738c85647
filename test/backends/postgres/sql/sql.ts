/** A private server for tests of what other programs use by SQL: as the log's owner, and as a role with little rights. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Reactivity from "effect/reactivity/Reactivity"
import { afterAll, beforeAll } from "vitest"
import * as Migrations from "../../../../src/backends/postgres/Migrations.ts"
import { operations } from "../../../../src/backends/postgres/Operations.ts"
import { capabilities } from "../../../../src/backends/postgres/PostgresCapabilities.ts"
import { atTheEdge, type JobLogOperations } from "../../../../src/log/JobLog.ts"
import { Postgres } from "../../../support/servers/Postgres.ts"

type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** What a statement ended in: its rows, or the server's code and message. */
export type Ended = Rows | { readonly code: unknown; readonly message: unknown }

export interface Sql {
  /** A statement of the schema's owner. */
  readonly owner: (text: string, database?: string) => Promise<Rows>
  /** A statement of a role that may log in and nothing else, or how it was refused. */
  readonly modest: (text: string) => Promise<Ended>
  /** The first notification on a channel after the owner's statements. */
  readonly heard: (channel: string, statements: ReadonlyArray<string>) => Promise<string>
  readonly withLog: <A, E>(use: (log: JobLogOperations) => Effect.Effect<A, E>, database?: string) => Promise<A>
  /** The log as the role with little rights has it. */
  readonly withModestLog: Sql["withLog"]
}

export const schema = "leasehold"

/** The server of a file of tests, with an empty log. */
export const makeSql = (): Sql => {
  let server: Postgres
  const connected = <A, E>(url: Redacted.Redacted, use: (sql: PgClient.PgClient) => Effect.Effect<A, E>) =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(PgClient.make({ url, maxConnections: 2 }), use)).pipe(
        Effect.provide(Reactivity.layer)
      )
    )
  const owner = (text: string, database?: string): Promise<Rows> =>
    connected(server.url(database), (sql) => sql.unsafe<Record<string, unknown>>(text))
  const modestUrl = () => Redacted.make(Redacted.value(server.url()).replace(/user=\w+/, "user=modest"))
  const logOf = (sql: PgClient.PgClient): JobLogOperations =>
    atTheEdge({ ...operations(sql, schema), capabilities, changes: () => Effect.never })
  beforeAll(async () => {
    server = await Postgres.start()
    await connected(server.url(), (sql) => Migrations.up(sql, schema))
    await owner("CREATE ROLE modest LOGIN")
  })
  afterAll(() => server?.close())
  return {
    owner,
    modest: (text) =>
      connected(modestUrl(), (sql) =>
        Effect.matchEffect(sql.unsafe<Record<string, unknown>>(text), {
          onSuccess: (rows): Effect.Effect<Ended> => Effect.succeed(rows),
          onFailure: ({ reason: { cause } }) =>
            Predicate.hasProperty(cause, "code") && Predicate.hasProperty(cause, "message")
              ? Effect.succeed({ code: cause.code, message: cause.message })
              : Effect.die(cause)
        })
      ),
    heard: (channel, statements) =>
      connected(server.url(), (sql) =>
        Effect.gen(function* () {
          const notifications = yield* sql.listen(channel)
          for (const statement of statements) yield* sql.unsafe(statement)
          return (yield* Queue.take(notifications)).payload
        }).pipe(Effect.scoped)
      ),
    withLog: (use, database) => connected(server.url(database), (sql) => use(logOf(sql))),
    withModestLog: (use) => connected(modestUrl(), (sql) => use(logOf(sql)))
  }
}
