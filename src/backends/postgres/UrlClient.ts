/**
 * How a log connects that was given a URL.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import { poolerMode } from "./Pooler.ts"

/** Milliseconds of idleness after which the network is asked whether the peer still exists. */
const keepAlive = 10_000

/** A pooler that knows a parameter only if it is told to ignore it. */
const isUnknownParameter = ({ reason: { cause } }: SqlError): boolean =>
  Predicate.hasProperty(cause, "message") &&
  typeof cause.message === "string" &&
  cause.message.includes("unsupported startup parameter")

/**
 * Settings of a client for a URL: the server is asked once what stands before it.
 *
 * Under another isolation level than the log's statements are made for they would be correct as well, but fail and be
 * repeated under load; so it is set where the way to the server allows.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connectionSettings = (options: {
  readonly url: Redacted.Redacted
  readonly prepare?: boolean | undefined
}): Effect.Effect<PgClient.PgClientConfig, SqlError> => {
  const plain = { url: options.url, applicationName: "leasehold", keepAlive }
  const full = { ...plain, startupParameters: { default_transaction_isolation: "read committed" } }
  const tried = (config: PgConnection.Config): Effect.Effect<PgClient.PgClientConfig, SqlError> =>
    Effect.scoped(
      Effect.map(Effect.flatMap(PgConnection.make(config), poolerMode), (mode) => ({
        ...config,
        prepare: options.prepare ?? mode !== "transaction"
      }))
    )
  return Effect.catch(tried(full), (error) => (isUnknownParameter(error) ? tried(plain) : Effect.fail(error)))
}
