/**
 * Spans that join a job's enqueue and its runs, across processes. Without a tracer there are none, and no cost.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import type { Grant, TraceContext } from "../log/JobLog.ts"

const traced = (context: Context.Context<never>): boolean => Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer

/**
 * Where the fiber stands in its trace, to be stored with a job.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const current = (fiber: Fiber.Fiber<unknown, unknown>): TraceContext | undefined => {
  const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  return span === undefined ? undefined : { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled }
}

/**
 * Gives an enqueue a producer span.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const producer = <A, E, R>(tag: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber): Effect.Effect<A, E, R> =>
    traced(fiber.context)
      ? Effect.withSpan(effect, `enqueue ${tag}`, {
          kind: "producer",
          captureStackTrace: false,
          attributes: { "messaging.system": "leasehold", "messaging.destination.name": tag }
        })
      : effect
  )

/**
 * Gives a run a consumer span: a root of its own, linked to the producer, since a parent would keep the producer's
 * trace open for as long as the job waits.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const consumer = (
  context: Context.Context<never>
):
  | (<A, E, R>(grant: Grant, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Tracer.ParentSpan>>)
  | undefined =>
  traced(context)
    ? (grant, effect) =>
        Effect.withSpan(effect, `run ${grant.name}`, {
          kind: "consumer",
          captureStackTrace: false,
          root: true,
          links: grant.trace === undefined ? [] : [{ span: Tracer.externalSpan(grant.trace), attributes: {} }],
          attributes: {
            "messaging.system": "leasehold",
            "messaging.destination.name": grant.queue,
            "messaging.message.id": grant.id,
            "leasehold.attempt": grant.attempt,
            "leasehold.delivery": grant.delivery,
            "leasehold.token": grant.token.toString()
          }
        })
    : undefined
