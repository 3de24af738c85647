/**
 * The log's connection: calls of its functions, each of which has its effect at most once, and its news.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { InvalidRequest, type LogError, NotWritable, refused, Unavailable } from "../../log/LogError.ts"
import { Call, type Reply } from "./ConnectionCall.ts"
import { type Client, commandMillis, delay, makeClient } from "./ConnectionClient.ts"
import { clientPlan, type Confirmation, type ConnectionOptions } from "./ConnectionOptions.ts"
import { failureOf, judge, type Verdict } from "./Failure.ts"
import { type CommandWords, Functions, isLoadedAlready } from "./Functions.ts"
import type { Library } from "./Library.ts"
import { followFailovers, listen, type ListenerEvents } from "./Listening.ts"
import { isLogName, keysOf, logNameExpected } from "./LogName.ts"

export type { Reply } from "./ConnectionCall.ts"

/**
 * A connection of a log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Connection {
  /**
   * Calls a function of the log once: `fn` names it, `operation` is the word of the port for errors. It fails as refused
   * where it provably had no effect, else as unknown. A call that only reads waits for no replicas.
   */
  readonly call: (
    operation: string,
    fn: string,
    args: ReadonlyArray<string | number>,
    options?: { readonly readOnly?: boolean | undefined }
  ) => Effect.Effect<Reply, LogError>
  /**
   * Calls `heard` for each message of the log's channel and of the one with the listener's id, and `changed` once it listens (again)
   * and when it stopped. It goes on until its scope ends, and connects anew by itself.
   */
  readonly listen: (on: ListenerEvents, id?: string) => Effect.Effect<void, never, Scope.Scope>
  /** Whether a write is answered only once it was confirmed. */
  readonly confirms: boolean
  /** A command as it is, to the log's server, once. */
  readonly command: (name: string, args: ReadonlyArray<string | number>) => Effect.Effect<Reply, LogError>
  /** How the log's functions are called: as functions of a library, or as scripts where the server has no such. */
  readonly calls: () => "functions" | "scripts"
}

/** Milliseconds, unless the options say otherwise. */
const readyMillis = 2000
const startMillis = 10_000
const replicasMillis = 1000
const syncedMillis = 3000

/** Milliseconds for which a call is repeated that a server refuses for reasons that pass. */
const passingMillis = 10_000

/** Most times that one call loads the functions, each time onto another server. */
const mostLoads = 3

/** What has become of a call so far. */
interface History {
  /** When it first met with trouble. */
  readonly since: number
  readonly tries: number
  readonly loads: number
}

/** A call, as it is sent next, which may change: by the function's name, or with the script's source. */
interface Wanted {
  readonly words: () => CommandWords
  readonly source: () => CommandWords
}

interface Answered {
  readonly reply: Reply
  readonly socket: object | undefined
}

const notConnected = (client: Client): Verdict => ({
  _tag: "Refused",
  reason: new Unavailable({ detail: `not connected: ${client.why()}` })
})

/** The server refuses the connection for good. */
const turnedAway = (text: string): LogError => {
  const cause = /^(?:WRONGPASS|NOAUTH|NOPERM|DENIED)|password|AUTH/.test(text) ? "permission" : "other"
  return refused("open", new NotWritable({ path: "the server", cause, detail: text }))
}

const asRefused = ({ _tag, reason }: Verdict): Verdict => ({ _tag: _tag === "Unknown" ? "Refused" : _tag, reason })

/** Sends a command once; its failure tells what may have become of it. */
const sent = (client: Client, { args, name }: CommandWords): Effect.Effect<Answered, Verdict> =>
  Effect.callback((resume) => {
    const call = new Call(name, args, client.slot)
    call.promise.then(
      (reply) => resume(Effect.succeed({ reply, socket: call.socket })),
      (error) => resume(Effect.fail(judge(error, call.socket !== undefined, client.secrets, client.lastError())))
    )
    client.send(call)
  })

const timeoutOf = ({ synced, timeout = synced === true ? syncedMillis : replicasMillis }: Confirmation): number =>
  timeout

/** Waits until all who have to confirm it have what was written on a connection. */
const confirmed = (client: Client, confirmation: Confirmation, socket: object | undefined) =>
  Effect.callback<void, Verdict>((resume) => {
    const { count, synced = false } = confirmation
    const millis = timeoutOf(confirmation)
    const unconfirmed = (why: string): void =>
      resume(Effect.fail({ _tag: "Unknown", reason: new Unavailable({ detail: `it was not confirmed: ${why}` }) }))
    const call = synced
      ? new Call("waitaof", ["1", String(count), String(millis)], client.slot)
      : new Call("wait", [String(count), String(millis)], client.slot)
    call.promise.then(
      (reply: Reply) => {
        const [server, replicas] = typeof reply === "object" && reply !== null ? reply.map(Number) : [1, Number(reply)]
        // on another connection it would speak of what that one wrote
        if (call.socket !== socket) unconfirmed("the connection was lost")
        else if (server !== 1) unconfirmed(`the server did not sync its file within ${millis} ms`)
        else if (replicas !== undefined && replicas >= count) resume(Effect.void)
        else unconfirmed(`${replicas} of ${count} replicas answered within ${millis} ms`)
      },
      (error) => unconfirmed(judge(error, true, client.secrets).reason.message)
    )
    if (socket === undefined || !client.sendOn(call, socket)) unconfirmed("the connection was lost")
  })

/** Makes the functions known to the log's server, or finds that scripts have to do. */
const load = (client: Client, functions: Functions): Effect.Effect<void, Verdict> =>
  Effect.catch(Effect.asVoid(sent(client, functions.load)), (verdict) => {
    const { _tag, reason } = verdict
    if (isLoadedAlready(reason.message)) return Effect.void
    // a full server takes no functions, but it takes scripts, and jobs have to be settled to make room
    if (_tag === "Forbidden" || reason._tag === "Full") {
      functions.areUsed = false
      return Effect.void
    }
    return Effect.fail(asRefused(verdict))
  })

const make = (client: Client, functions: Functions, options: ConnectionOptions, channel: string): Connection => {
  const patience = options.readyTimeout ?? readyMillis
  const { replicas } = options

  const pause = (history: History, until: number): Effect.Effect<void, Verdict> =>
    Effect.flatMap(delay(Math.min(history.tries, 4)), (millis) => Effect.sleep(Math.min(millis, Math.max(1, until))))

  /** Sends as soon as there is a connection. */
  const sentWhenReady = (words: CommandWords, millis: number): Effect.Effect<Answered, Verdict> =>
    client.isReady()
      ? sent(client, words)
      : Effect.flatMap(client.ready(millis), (ready) =>
          ready ? sent(client, words) : Effect.fail(notConnected(client))
        )

  const perform = (
    wanted: Wanted,
    words: CommandWords,
    millis: number,
    past?: History
  ): Effect.Effect<Answered, Verdict> =>
    Effect.catch(sentWhenReady(words, millis), (verdict) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => recover(wanted, words, verdict, now, past))
    )

  /** Goes on after a failure, as long as that had no effect and it helps. */
  const recover = (
    wanted: Wanted,
    words: CommandWords,
    verdict: Verdict,
    now: number,
    past: History | undefined
  ): Effect.Effect<Answered, Verdict> => {
    const { loads, since, tries } = past ?? { since: now, tries: 0, loads: 0 }
    const history = { since, tries: tries + 1, loads }
    switch (verdict._tag) {
      case "Unsent":
      case "Passing": {
        const left = since + (verdict._tag === "Unsent" ? patience : passingMillis) - now
        if (left <= 0) return Effect.fail(verdict._tag === "Unsent" ? notConnected(client) : verdict)
        return Effect.andThen(
          pause(history, left),
          Effect.suspend(() => perform(wanted, wanted.words(), left, history))
        )
      }
      case "Absent": {
        if (loads >= mostLoads) return Effect.fail(verdict)
        const next = { ...history, loads: loads + 1 }
        if (words.name !== "fcall") return perform(wanted, wanted.source(), patience, next)
        return Effect.matchEffect(load(client, functions), {
          onFailure: (failed) => recover(wanted, words, failed, now, next),
          onSuccess: () => perform(wanted, wanted.words(), patience, next)
        })
      }
      case "Forbidden": {
        if (words.name !== "fcall" || !/'fcall'/i.test(verdict.reason.message)) return Effect.fail(verdict)
        functions.areUsed = false
        return perform(wanted, wanted.words(), patience, history)
      }
      case "Refused":
      case "Unknown":
        return Effect.fail(verdict)
    }
  }

  return {
    call: (operation, fn, args, how) =>
      Effect.suspend(() => {
        const wanted = {
          words: () => functions.call(fn, args),
          source: () => functions.evaluate(fn, args)
        }
        const performed = perform(wanted, wanted.words(), patience)
        return replicas === undefined || how?.readOnly === true
          ? performed
          : Effect.tap(performed, ({ socket }) => confirmed(client, replicas, socket))
      }).pipe(
        Effect.map(({ reply }) => reply),
        Effect.mapError((verdict) => failureOf(operation, verdict))
      ),
    command: (name, args) =>
      Effect.suspend(() => {
        const words = () => ({ name: name.toLowerCase(), args: args.map(String) })
        return perform({ words, source: words }, words(), patience)
      }).pipe(
        Effect.map(({ reply }) => reply),
        Effect.mapError((verdict) => failureOf(name, verdict))
      ),
    listen: (on, id) => listen(client, channel, id === undefined ? undefined : `${channel}:${id}`, on),
    confirms: replicas !== undefined,
    calls: () => (functions.areUsed ? "functions" : "scripts")
  }
}

/** What the options cannot mean. */
const checked = ({ commandTimeout = commandMillis, replicas }: ConnectionOptions): InvalidRequest | undefined => {
  if (replicas === undefined) return undefined
  const least = replicas.synced === true ? 0 : 1
  if (!Number.isInteger(replicas.count) || replicas.count < least) {
    const detail = `must be a whole number of at least ${least}${least === 1 ? ", or 0 with `synced`" : ""}`
    return new InvalidRequest({ field: "replicas.count", detail })
  }
  const timeout = timeoutOf(replicas)
  return Number.isInteger(timeout) && timeout >= 1 && timeout < commandTimeout
    ? undefined
    : new InvalidRequest({ field: "replicas.timeout", detail: "must be whole milliseconds, less than commandTimeout" })
}

/**
 * Connects a log of this name. Fails as refused if there is no connection in time, and at once if the server does not
 * accept the program.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connect = Effect.fnUntraced(function* (
  options: ConnectionOptions,
  library: Library,
  name: string
): Effect.fn.Return<Connection, LogError, Scope.Scope> {
  const invalid = isLogName(name)
    ? checked(options)
    : new InvalidRequest({ field: "name", detail: `must be ${logNameExpected}` })
  if (invalid !== undefined) return yield* Effect.fail(refused("open", invalid))
  const plan = clientPlan(options)
  if (plan._tag === "Invalid") {
    return yield* Effect.fail(refused("open", new InvalidRequest({ field: plan.field, detail: plan.detail })))
  }
  const keys = keysOf(name)
  const client = yield* makeClient(plan, options, name)
  if (!(yield* client.ready(options.connectTimeout ?? startMillis, client.isHopeless))) {
    return yield* Effect.fail(client.isHopeless() ? turnedAway(client.why()) : failureOf("open", notConnected(client)))
  }
  yield* followFailovers(client)
  const functions = new Functions(library, keys)
  // whatever else is amiss the first call will tell; a server may be looked at that takes no calls
  yield* Effect.ignore(load(client, functions))
  return make(client, functions, options, keys.news)
})
