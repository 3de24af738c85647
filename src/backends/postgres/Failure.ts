/**
 * What a failure of the database means for the port: refused, with provably no effect, or unknown.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import type { SqlError } from "effect/sql/SqlError"
import {
  Full,
  InvalidRequest,
  type LogError,
  type LogErrorReason,
  NotWritable,
  refused,
  Unavailable,
  unknown
} from "../../log/LogError.ts"

/** Codes of the server and of the log's functions; the system's, such as EPIPE, look much alike. */
const serverCode = /^(?:\d[0-9A-Z]|F0|HV|P0|XX|LH)[0-9A-Z]{3}$/

/** The server's code for an error, where it was the server that answered. */
const codeOf = (error: SqlError): string | undefined => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" && serverCode.test(cause.code)
    ? cause.code
    : undefined
}

const detailOf = (error: SqlError): string | undefined => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "detail") && typeof cause.detail === "string" ? cause.detail : undefined
}

/** The message of the server or the driver; never the statement or its parameters. */
const messageOf = (error: SqlError): string => {
  const cause = error.reason.cause
  return cause instanceof Error ? cause.message : error.reason.message
}

const reasonOf = (error: SqlError, code: string | undefined): LogErrorReason => {
  const detail = code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`
  switch (code) {
    case "LH001":
      return new Full({ limit: "maxBacklog", detail: detailOf(error) ?? detail })
    case "53100":
      return new Full({ limit: "disk", detail })
    case "25006":
      return new NotWritable({
        path: "the server",
        cause: "readOnly",
        detail: `${detail}: it is a standby, or default_transaction_read_only is on; connect to the primary`
      })
    case "42501":
      return new NotWritable({ path: "the schema", cause: "permission", detail })
    case "3F000":
    case "42P01":
    case "42883":
      return new NotWritable({
        path: "the schema",
        cause: "other",
        detail: `${detail}: the schema is missing or not of this version; run leasehold migrate up`
      })
    default:
      // data that no server takes, or more of it than fits
      return code?.startsWith("22") === true || code?.startsWith("54") === true
        ? new InvalidRequest({ field: "request", detail })
        : new Unavailable({ detail })
  }
}

/** Sent while the connection is ended: what was asked before may have been committed. */
const endsConnection = (code: string): boolean => code.startsWith("57P") || code.startsWith("08")

/**
 * An error of the database as one of the port. A failure to connect had no effect; an error that the server answers to a
 * statement has undone it; all else may have happened.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const failure =
  (operation: string) =>
  (error: SqlError): LogError => {
    const code = codeOf(error)
    const reason = reasonOf(error, code)
    const operationOf = Predicate.hasProperty(error.reason, "operation") ? error.reason.operation : undefined
    if (operationOf === "connect") return refused(operation, reason)
    return code === undefined || endsConnection(code) ? unknown(operation, reason) : refused(operation, reason)
  }

/**
 * Whether the server undid a statement for no fault of it, so that it may be sent again at once: a deadlock, or a
 * conflict of transactions.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isConflict = (error: SqlError): boolean => {
  const code = codeOf(error)
  // 23505: a call with this very number was under way and has been committed since
  return code === "40P01" || code === "40001" || code === "23505"
}
