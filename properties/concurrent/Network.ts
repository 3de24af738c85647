/**
 * The way from a client to the log and back: slow, lossy, and cut off when the log crashes. Every sending is recorded.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { count, ofExit } from "../World.ts"
import type { Of, Operation, Outcome, ValueOf } from "./History.ts"
import type { Fault } from "./Program.ts"

/**
 * The log from one crash to the next.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
interface Epoch {
  readonly log: JobLogOperations
  /** Opens when the log has crashed. */
  readonly over: Latch.Latch
}

/**
 * A log behind a network.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Network {
  private epoch: Epoch
  private events = 0
  private readonly sendings: Array<Operation> = []
  private stragglers: Array<Fiber.Fiber<unknown>> = []
  /** What the log answered with neither success nor a typed failure. */
  readonly defects: Array<string> = []
  readonly coverage: Map<string, number>

  constructor(log: JobLogOperations, coverage: Map<string, number>) {
    this.epoch = { log, over: Latch.makeUnsafe(false) }
    this.coverage = coverage
  }

  /** The recorded history; what was not answered is unknown. */
  get operations(): ReadonlyArray<Operation> {
    return this.sendings
  }

  /** From now on calls go to the log as it was opened again; who waits for the former one will not be answered. */
  reopened(log: JobLogOperations): Effect.Effect<void> {
    const former = this.epoch
    this.epoch = { log, over: Latch.makeUnsafe(false) }
    return Effect.asVoid(former.over.open)
  }

  /** Waits for whatever is still under way. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const waiting = this.stragglers
      this.stragglers = []
      return Effect.forEach(waiting, Fiber.await, { discard: true })
    })
  }

  /** Notes that something is sent; the result notes its end. */
  begin<Op extends Operation["op"]>(
    client: string,
    op: Op,
    args: Of<Op>["args"],
    more?: { readonly repeats?: number | undefined; readonly fault?: string | undefined }
  ): { readonly id: number; readonly end: (outcome: Of<Op>["outcome"]) => void } {
    const { fault, repeats } = more ?? {}
    const id = this.sendings.length
    const sending = {
      id,
      client,
      op,
      args,
      inv: this.next(),
      ...(repeats === undefined ? undefined : { repeats }),
      ...(fault === undefined ? undefined : { fault })
    }
    const note = (res: number, outcome: Of<Op>["outcome"]): void => {
      // the signature binds the arguments and the answer to the kind of the operation
      this.sendings[id] = { ...sending, res, outcome } as unknown as Operation
    }
    // unless it is heard of again
    note(Number.MAX_SAFE_INTEGER, { tag: "Unknown", reason: "never answered" })
    return {
      id,
      end: (outcome) => {
        note(this.next(), outcome)
        count(this.coverage, `${op}: ${outcome.tag}${outcome.tag === "Refused" ? ` ${outcome.reason}` : ""}`)
      }
    }
  }

  /** Sends a call once. */
  send<Op extends Operation["op"]>(
    client: string,
    op: Op,
    args: Of<Op>["args"],
    call: (log: JobLogOperations) => Effect.Effect<ValueOf<Op>, LogError>,
    way: {
      readonly fault: Fault
      readonly out: number
      readonly back: number
      readonly repeats?: number | undefined
      /** The caller gives up after so many turns. */
      readonly patience?: number | undefined
    }
  ): Effect.Effect<{ readonly id: number; readonly outcome: Outcome<ValueOf<Op>> }> {
    return Effect.gen({ self: this }, function* () {
      const { back, fault, out } = way
      const { end, id } = this.begin(client, op, args, {
        repeats: way.repeats,
        fault: fault === "none" ? undefined : fault
      })
      if (fault !== "none") count(this.coverage, `fault: ${fault}`)
      // the outcome of a call is that of its kind
      const ended = (outcome: Outcome<ValueOf<Op>>) => {
        end(outcome as Of<Op>["outcome"])
        return { id, outcome }
      }
      yield* turns(out)
      switch (fault) {
        case "lostRequest":
          return ended(unknown(fault))
        case "lostReply":
          yield* this.deliver(call)
          yield* turns(back)
          return ended(unknown(fault))
        case "late":
          this.stragglers.push(
            yield* Effect.forkDetach(Effect.andThen(turns(2 + 4 * out + 2 * back), this.deliver(call)))
          )
          yield* turns(back)
          return ended(unknown(fault))
        case "duplicate": {
          const second = { ...way, fault: "none", out: back, back: out, repeats: way.repeats ?? id } as const
          this.stragglers.push(yield* Effect.forkDetach(this.send(client, op, args, call, second)))
          break
        }
        case "interrupt":
        case "none":
          break
      }
      const patience = fault === "interrupt" ? 1 + 2 * back : way.patience
      if (patience !== undefined) {
        const running = yield* Effect.forkDetach(this.deliver(call))
        yield* turns(patience)
        const exit = running.pollUnsafe()
        if (exit !== undefined && exit._tag === "Success") return ended(exit.value)
        running.interruptUnsafe()
        return ended(unknown("given up"))
      }
      const outcome = yield* this.deliver(call)
      yield* turns(back)
      return ended(outcome)
    })
  }

  /** Has the log do it; while nobody waits for the answer, it may have happened when the log crashes. */
  private deliver<A>(call: (log: JobLogOperations) => Effect.Effect<A, LogError>): Effect.Effect<Outcome<A>> {
    return Effect.suspend(() => {
      const { log, over } = this.epoch
      return Effect.raceFirst(
        Effect.map(Effect.exit(call(log)), (exit): Outcome<A> => {
          const told = ofExit(exit)
          if (told._tag === "Ok") return { tag: "Ok", value: told.value }
          if (told._tag === "Died") {
            this.defects.push(told.message)
            return unknown(told.message)
          }
          const { outcome, reason } = told.error
          return outcome === "refused" ? { tag: "Refused", reason: reason._tag } : unknown(reason._tag)
        }),
        Effect.as(over.await, unknown("crash"))
      )
    })
  }

  private next(): number {
    this.events += 1
    return this.events
  }
}

const unknown = (reason: string): { readonly tag: "Unknown"; readonly reason: string } => ({ tag: "Unknown", reason })

/**
 * Lets others run, so many times.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const turns = (times: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    let left = times
    return Effect.whileLoop({ while: () => left-- > 0, body: () => Effect.yieldNow, step: () => {} })
  })
