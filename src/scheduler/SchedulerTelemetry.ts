/**
 * Where a scheduler reports to.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { silent, type Telemetry } from "../actors/Telemetry.ts"

/**
 * The telemetry of the schedulers in the environment.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export const SchedulerTelemetry: Context.Reference<Telemetry> = Context.Reference<Telemetry>(
  "leasehold/scheduler/SchedulerTelemetry",
  { defaultValue: () => silent }
)
