/** The limit on the driver that Leasehold uses. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { Adapter } from "../queues/Adapter.ts"
import { type Connection, openQueue, type Parameter, settings } from "./RawSql.ts"

const parameterOf = (parameter: Parameter): unknown => {
  switch (parameter._tag) {
    case "Id":
      return parameter.value
    case "Ids":
      return Result.getOrThrow(PgTypes.array([...parameter.values], PgTypes.OID.int8))
    case "Texts":
      return Result.getOrThrow(PgTypes.array([...parameter.values], PgTypes.OID.text))
  }
}

const connect = async (url: string): Promise<Connection> => {
  const scope = Scope.makeUnsafe()
  const connection = await Effect.runPromise(
    Scope.provide(PgConnection.make({ url: Redacted.make(url), startupParameters: settings }), scope)
  )
  return {
    run: ({ text }, parameter) =>
      Effect.runPromise(connection.queryValues(text, parameter === undefined ? [] : [parameterOf(parameter)])),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const adapter: Adapter = { open: (url) => openQueue(() => connect(url)) }
