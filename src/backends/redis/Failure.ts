/**
 * What a failure of the server or of the way to it means for the port: refused, with provably no effect, or unknown.
 *
 * @since 0.1.0
 */
import { isRedirection } from "./ConnectionCall.ts"
import {
  Full,
  type LogError,
  type LogErrorReason,
  NotWritable,
  refused,
  Unavailable,
  unknown
} from "../../log/LogError.ts"

/**
 * What a failed call means.
 *
 * - `Unsent`: it never left this process
 * - `Passing`: the server refused it for a reason that passes by itself, such as reading its data or moving the slot
 * - `Absent`: the server does not have the function or the script
 * - `Forbidden`: the server has no such command, or does not allow it
 * - `Refused`: no effect
 * - `Unknown`: it may have happened
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Verdict {
  readonly _tag: "Unsent" | "Passing" | "Absent" | "Forbidden" | "Refused" | "Unknown"
  readonly reason: LogErrorReason
}

const verdict = (_tag: Verdict["_tag"], reason: LogErrorReason): Verdict => ({ _tag, reason })

const unavailable = (_tag: Verdict["_tag"], detail: string): Verdict => verdict(_tag, new Unavailable({ detail }))

/**
 * A text without what must not be in it: passwords, and the arguments that servers quote of commands they do not know.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const cleaned = (text: string, secrets: ReadonlyArray<string>): string => {
  let clean = text.replace(/,? with args beginning with: .*$/s, "")
  for (const secret of secrets) clean = clean.replaceAll(secret, "***")
  return clean
}

/**
 * The message of whatever was thrown.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== "") return error.message
  // a host with several addresses fails with all of their errors, and no text of its own
  return error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : error.name
}

/** The server's own words: ioredis names its class so, and exports it as anything. */
const isReply = (error: unknown): boolean => error instanceof Error && error.name === "ReplyError"

/** Whether the error arose inside a script, after it may have written. */
const insideScript = (text: string): boolean => /\bscript: (?:\S+, )?on @user_|Error running script/.test(text)

/** Where a script's error stands behind other words, as in 6.2. */
const nested = /(?:Error running script|@user_)[\s\S]*?: -?(OOM|READONLY|MISCONF|NOREPLICAS)\b/

const codeOf = (text: string): string => nested.exec(text)?.[1] ?? /^[A-Z]+\b/.exec(text)?.[0] ?? ""

const closed = "the connection was lost before an answer came"

/** What ioredis says of a call whose connection was lost. */
const isClosed = (message: string): boolean =>
  /^Connection is closed|^Reached the max retries|isn't ready/.test(message)

/** What ioredis says when a Cluster sent a call round in circles: before the last node's answer. */
const circled = /^Too many Cluster redirections\. Last error: ReplyError: /

const permission = (text: string): LogErrorReason =>
  new NotWritable({ path: "the server", cause: "permission", detail: text })

/** What an error that the server answered means. */
const replied = (text: string): Verdict => {
  const inside = insideScript(text)
  switch (codeOf(text)) {
    // a script that has written is let finish; the server says these only at its start or at its first write
    case "OOM":
      return verdict("Refused", new Full({ limit: "maxmemory", detail: text }))
    case "READONLY":
      return unavailable("Refused", `${text} (it is connected to anew, in case another is the master now)`)
    case "MISCONF":
      return unavailable("Refused", `${text} Look at the server's disk and its log`)
    case "NOREPLICAS":
      return unavailable("Refused", `${text} Fewer replicas follow than min-replicas-to-write asks for`)
    case "NOSCRIPT":
      return unavailable("Absent", text)
  }
  if (/\bkilled by user\b/.test(text)) return unavailable("Refused", text)
  // it would fail again, and may have done half of its work: who repeats calls must not repeat this one for ever
  if (inside) {
    if (/\bScript attempted to access\b/.test(text)) return unavailable("Unknown", text)
    if (codeOf(text) === "NOPERM" || /\bcan't (?:run this command|access)/.test(text)) {
      return verdict("Unknown", permission(text))
    }
    return verdict(
      "Unknown",
      new NotWritable({ path: "the server", cause: "other", detail: `a script of the log failed: ${text}` })
    )
  }
  switch (codeOf(text)) {
    case "LOADING":
    case "CLUSTERDOWN":
    case "TRYAGAIN":
      return unavailable("Passing", text)
    case "MASTERDOWN":
    case "BUSY":
    case "UNKILLABLE":
      return unavailable("Refused", text)
    case "NOPERM":
      return verdict("Forbidden", permission(text))
    case "NOAUTH":
    case "WRONGPASS":
      return verdict("Refused", permission(text))
    case "MOVED":
    case "ASK":
    case "CROSSSLOT":
      return verdict(
        "Refused",
        new NotWritable({
          path: "the server",
          cause: "other",
          detail: `it is a node of a Cluster and does not hold this log (${text}); connect with the settings of a Cluster`
        })
      )
  }
  if (/^ERR Function not found/i.test(text)) return unavailable("Absent", text)
  if (/^ERR unknown (?:command|subcommand)/i.test(text)) return unavailable("Forbidden", text)
  if (text.startsWith("ERR max number of clients")) return unavailable("Refused", text)
  return unavailable("Unknown", text)
}

/** What ioredis says of a connection on which nothing was heard for too long. */
const isSilent = (text: string): boolean => text.startsWith("Socket timeout.")

/**
 * What the failure of a call means. `sent`: whether it may have reached a server since the last refusal. `why`: what is
 * known of the connection's end, where it has ended.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const judge = (
  error: unknown,
  sent: boolean,
  secrets: ReadonlyArray<string>,
  why?: string | undefined
): Verdict => {
  const message = cleaned(messageOf(error), secrets)
  const text = isClosed(message) ? (why ?? message) : message
  if (circled.test(text)) {
    // where the slot was found at last, its node may have answered something else
    const last = text.replace(circled, "")
    return isRedirection(last) ? unavailable("Passing", text) : replied(last)
  }
  // it may be written later on, by a connection that is only being made
  if (message === "Command timed out" || (sent && isSilent(text))) {
    return unavailable("Unknown", "the server did not answer in time")
  }
  if (!sent && !(isReply(error) && isRedirection(text)))
    return unavailable("Unsent", isClosed(text) ? "the connection was lost" : text)
  if (isReply(error)) return replied(text)
  return unavailable("Unknown", isClosed(text) ? closed : `${closed}: ${text}`)
}

/**
 * A verdict that nothing more is to be done about, as an error of the port.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const failureOf = (operation: string, { _tag, reason }: Verdict): LogError =>
  _tag === "Unknown" ? unknown(operation, reason) : refused(operation, reason)

/**
 * Whether a server, or what stands before it, refuses the program for good, so that waiting for it is no use: it does not
 * accept who the program is, or is not what the options say.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isHopeless = (text: string): boolean =>
  /^(?:WRONGPASS|NOAUTH|NOPERM|DENIED)\b|^ERR (?:invalid password|DB index|SELECT is not|AUTH|.*cluster support disabled)/i.test(
    text
  )

/**
 * Whether the server refused to change to the log's database, after which ioredis would go on in another one.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isWrongDatabase = (text: string): boolean =>
  /^ERR (?:DB index|SELECT is not|invalid DB)|^NOPERM .*'?select'?/i.test(text)
