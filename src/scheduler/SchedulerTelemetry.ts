/**
 * Where a scheduler reports to.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { Telemetry } from "../actors/Telemetry.ts"

/**
 * The telemetry of the schedulers in the environment. Undefined, as it is by default, means Effect metrics in the
 * fiber's metric registry (docs/telemetry.md); provide a telemetry of your own to replace them.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export const SchedulerTelemetry: Context.Reference<Telemetry | undefined> = Context.Reference<Telemetry | undefined>(
  "leasehold/scheduler/SchedulerTelemetry",
  { defaultValue: () => undefined }
)
