/**
 * Claims that wait in the log until there is something for them: they are left open on the server, which answers them with
 * a message as soon as it grants them jobs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { ClaimRequest, ClaimResult } from "../../log/JobLog.ts"
import { type LogError, unknown } from "../../log/LogError.ts"
import type { News } from "../../log/News.ts"
import type { Reply } from "./ConnectionCall.ts"
import { type Claimed, toClaimed } from "./Grants.ts"
import type { Calls } from "./Operations.ts"

/** Who waits for the answer to a call. */
interface Wait {
  /** What was told: the answer, or that it may be asked for. */
  told: ReadonlyArray<Reply> | "ask" | undefined
  resume: (() => void) | undefined
}

const keyOf = (session: string, call: number): string => `${session} ${call}`

/**
 * What parked claims need of the log's service.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ParkedOptions {
  readonly calls: Pick<Calls, "claim" | "unpark">
  readonly news: News
  /** The listener's own channel while it hears, else nothing. */
  readonly channel: () => string | undefined
  /** Waits until it is worth looking without news: an instant of the log that is so many milliseconds away, or before. */
  readonly pause: (queue: string, millis: number | undefined) => Effect.Effect<void>
}

/**
 * The parked claims of a log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ParkedClaims {
  /** Answers once there are grants. */
  readonly claim: (request: ClaimRequest) => Effect.Effect<ClaimResult, LogError>
  /** Takes a message of the listener's own channel. */
  readonly heard: (message: string) => void
}

/**
 * Makes parked claims; what they have begun ends with the scope.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeParkedClaims = Effect.fnUntraced(function* ({
  calls,
  channel,
  news,
  pause
}: ParkedOptions): Effect.fn.Return<ParkedClaims, never, Scope.Scope> {
  const waiting = new Map<string, Set<Wait>>()
  const scope = yield* Effect.scope

  const heard = (message: string): void => {
    const end = message.indexOf(" ", message.indexOf(" ", 2) + 1)
    // of a claim that nobody waits for any more the server knows the answer, and the end of the session gives it back
    const waits = waiting.get(message.slice(2, end === -1 ? undefined : end))
    if (waits === undefined) return
    // the functions answer with lists
    const told = end === -1 ? "ask" : (JSON.parse(message.slice(end + 1)) as ReadonlyArray<Reply>)
    for (const wait of waits) {
      wait.told = told
      wait.resume?.()
    }
  }

  const enter = (key: string): Wait => {
    const wait: Wait = { told: undefined, resume: undefined }
    const waits = waiting.get(key)
    if (waits === undefined) waiting.set(key, new Set([wait]))
    else waits.add(wait)
    return wait
  }

  /** Answers whether nobody else waits for the same call. */
  const leave = (key: string, wait: Wait): boolean => {
    const waits = waiting.get(key)
    waits?.delete(wait)
    if (waits?.size !== 0) return false
    waiting.delete(key)
    return true
  }

  /** Waits until something is told, or else for something else. What is told resumes who waits without a detour. */
  const toldOr = (wait: Wait, other: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.withFiber((parent) =>
      Effect.callback<void>((resume) => {
        if (wait.told !== undefined) return resume(Effect.void)
        const fiber = Effect.runForkWith(parent.context)(other)
        const end = (): void => {
          wait.resume = undefined
          fiber.interruptUnsafe()
        }
        const done = (): void => {
          end()
          resume(Effect.void)
        }
        wait.resume = done
        fiber.addObserver(done)
        return Effect.sync(end)
      })
    )

  const answered = (queue: string, cursor: string, { grants, nextAt, now }: Claimed): ClaimResult => {
    news.claimed(queue, grants.length)
    return { grants, nextAt, now, cursor }
  }

  const untilGranted = Effect.fnUntraced(function* (request: ClaimRequest, wait: Wait) {
    const { queue } = request
    let open = false
    while (true) {
      // before the call is sent: what happens while it is under way may be news to it
      const cursor = news.cursor(queue)
      const sent = calls.claim(request, channel() ?? "-")
      // a call that was left open may have been granted jobs since, whatever becomes of asking for them
      const claimed = yield* open ? Effect.mapError(sent, ({ reason }) => unknown("claim", reason)) : sent
      if (!claimed.open) return answered(queue, cursor, claimed)
      open = true
      news.claimed(queue, 0)
      const millis = claimed.nextAt === undefined ? undefined : claimed.nextAt - claimed.now
      yield* toldOr(wait, Effect.raceFirst(news.after(queue, cursor), pause(queue, millis)))
      const { told } = wait
      wait.told = undefined
      if (told !== undefined && told !== "ask") return answered(queue, cursor, toClaimed(queue, told))
    }
  })

  return {
    heard,
    claim: (request) =>
      Effect.suspend(() => {
        const key = keyOf(request.session, request.call)
        // before the call is sent: its answer may be heard before that
        const wait = enter(key)
        return Effect.onExit(untilGranted(request, wait), (exit) => {
          const last = leave(key, wait)
          // whoever gives up may sit on what it is granted; that it may be sent again is left to the caller
          return last && Exit.hasInterrupts(exit)
            ? Effect.asVoid(Effect.forkIn(Effect.ignore(calls.unpark(request)), scope, { startImmediately: true }))
            : Effect.void
        })
      })
  }
})
